/** Runs command lines in this process, and makes the tiny models that the tests of the commands use. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { runCli } from '../../compiler/cli/run-cli.ts';
import { encodeNpy, parseNpy } from '../../runtime/files/npy.ts';
import { encodeSafetensors } from '../../runtime/files/safetensors.ts';
import { fromFloat32, toFloat32 } from '../../runtime/files/stored-tensor.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { flatPng } from '../runtime/node/png.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** stderr comes without the line that names the software adapter. */
export async function cnnc(...argv: readonly string[]): Promise<Ran> {
  let [out, err] = ['', ''];
  const code = await runCli(argv, {
    stdout: { write: (text) => (out += text) },
    stderr: { write: (text) => (err += text) },
    env: {},
  });
  return { code, out, err: err.replace(/^using a software adapter: .*\n/gm, '') };
}

export type Line = Readonly<Record<string, unknown>>;

/** The lines of a `--json` run; checks that every one is JSON and that the first tells the version. */
export function eventsOf({ out }: Ran): Line[] {
  const [first, ...events] = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
  expect(first).toEqual({ type: 'version', ui: '1.0' });
  return events;
}

export const summaryOf = (ran: Ran): Line => {
  const last = eventsOf(ran).at(-1);
  expect(last?.['type']).toBe('summary');
  return last ?? {};
};

/** A convolution with a batch norm, and a classifier. */
export const tinySource = `
model Tiny(image: f32[N, 3, 8, 8], classes: int = 4) -> f32[N, classes] {
  return image
    |> stem: conv(8, k=3, bias=false) |> norm: bn |> relu
    |> global_avg_pool |> flatten |> head: linear(classes)
}
`;

/** Logits are the mean red, green and blue: what a picture is classified as can be seen in it. */
export const coloursSource = `
model Colours(image: f32[N, 3, 4, 4]) -> f32[N, 3] {
  return image |> global_avg_pool |> flatten
}
preprocess for Colours {
  normalize(mean=[0.5], std=[0.1])
  labels = "labels.txt"
}
`;

const tinyShapes: Readonly<Record<string, readonly number[]>> = {
  'stem.weight': [8, 3, 3, 3],
  'norm.weight': [8],
  'norm.bias': [8],
  'norm.running_mean': [8],
  'norm.running_var': [8],
  'norm.num_batches_tracked': [],
  'head.weight': [4, 8],
  'head.bias': [4],
};

/** A safetensors file for the tiny model; a shape of `undefined` leaves the tensor out. */
export function tinyWeights(changed: Readonly<Record<string, readonly number[] | undefined>> = {}): Uint8Array {
  const tensors = Object.entries({ ...tinyShapes, ...changed }).flatMap(([name, shape]) => {
    if (!shape) return [];
    const count = shape.reduce((product, size) => product * size, 1);
    const values = Float32Array.from({ length: count }, (_, at) => 0.5 + Math.sin(at * 1.7 + name.length) / 2.5);
    return [[name, fromFloat32(values, shape)] as const];
  });
  return encodeSafetensors(new Map(tensors));
}

export interface Workshop {
  readonly folder: string;
  /** An absolute path in the folder. */
  at(name: string): string;
}

/** A folder with the tiny models, the tiny model's weights, and what else is given. */
export function workshop(files: Readonly<Record<string, Uint8Array | string>> = {}): Workshop {
  const folder = temporaryFolder({
    'tiny.cnn': tinySource,
    'colours.cnn': coloursSource,
    'labels.txt': 'red\ngreen\nblue\n',
    'tiny.safetensors': tinyWeights(),
    ...files,
  });
  return { folder, at: (name) => join(folder, name) };
}

/** Builds and fails the test where that fails; gives the artifact's path. */
export async function built(shop: Workshop, target: string, ...flags: readonly string[]): Promise<string> {
  const artifact = shop.at(`artifact-${target.replaceAll(/\W/g, '-')}-${flags.join('').replaceAll(/\W/g, '-')}`);
  const ran = await cnnc('build', shop.at(target), '-o', artifact, ...flags);
  expect(ran).toMatchObject({ code: 0, err: '' });
  return artifact;
}

export type Rgb = readonly [number, number, number];

/** A PNG file of one colour. */
export const plainPng = (colour: Rgb, size = 4): Uint8Array => flatPng(size, size, colour);

export const npy = (values: readonly number[], shape: readonly number[]): Uint8Array =>
  encodeNpy(fromFloat32(Float32Array.from(values), shape));

export function readNpy(path: string): { readonly shape: readonly number[]; readonly data: Float32Array } {
  const stored = parseNpy(readFileSync(path));
  return { shape: stored.shape, data: toFloat32(stored) };
}
