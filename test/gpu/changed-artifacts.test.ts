/**
 * Artifacts that were changed: by accident, which the seal finds; and on purpose, with a new seal, which may change what is
 * computed but reads and writes nothing outside of its buffers and ends in a coded fault or in values.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../../compiler/compile.ts';
import { artifactFiles } from '../../compiler/emit/write-artifact.ts';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { makeGraph, makeNode } from '../../compiler/ir/node.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import { constant, conv2d, globalAveragePool, input, relu } from '../../compiler/ops/index.ts';
import type { Artifact } from '../../runtime/artifact.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { openDevice, type OpenedDevice } from '../../runtime/node/index.ts';
import { parseManifest } from '../../runtime/parse-manifest.ts';
import { sealManifest } from '../../runtime/seal.ts';
import { createSession, type HostTensor } from '../../runtime/session.ts';

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

function network(): Artifact {
  const shape = [symbolicDim('N'), 3, 6, 5];
  const image = makeNode(input, [], { name: 'image', index: 0, dtype: 'f32', shape });
  const weight = makeNode(constant, [], { tensor: randomTensor([6, 3, 3, 3], 1, -1, 1), name: 'w' });
  const attrs = { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 } as const;
  const conv = makeNode(conv2d, [image, weight], attrs, { spans: [], path: 'conv', passes: [] });
  const graph = makeGraph({ y: makeNode(relu, [conv], {}), mean: makeNode(globalAveragePool, [conv], {}) });
  return compile({ name: 'net', source: 'net.cnn', graph, parameters: [], weights: new Map() }).artifact;
}

const artifact = network();
const sealed = JSON.parse(String(artifactFiles(artifact).get('manifest.json'))) as { [key: string]: Json };
const image: HostTensor = {
  shape: [2, 3, 6, 5],
  data: Float32Array.from(randomTensor([2, 3, 6, 5], 3, -1, 1).data),
};

/** The path of every value of a tree, containers too. */
function pathsOf(value: Json, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path];
  const members = Object.entries(value).flatMap(([key, member]) => pathsOf(member, [...path, key]));
  return path.length === 0 ? members : [path, ...members];
}

const valueAt = (tree: Json, path: readonly string[]): Json =>
  path.reduce<Json>((value, key) => (value as { [key: string]: Json })[key] ?? null, tree);

/** A copy in which one value is another one, or gone. */
function changed(tree: { [key: string]: Json }, path: readonly string[], change: (value: Json) => Json | undefined) {
  const copy = structuredClone(tree);
  const parent = valueAt(copy, path.slice(0, -1)) as { [key: string]: Json };
  const key = path.at(-1) ?? '';
  const next = change(parent[key] ?? null);
  if (next === undefined) delete parent[key];
  else parent[key] = next;
  return copy;
}

const number = (value: Json): number => (typeof value === 'number' ? value : 1);
const mild: readonly ((value: Json) => Json | undefined)[] = [
  (value) => number(value) + 1,
  (value) => number(value) * 2,
  (value) => Math.max(0, number(value) - 1),
  () => 0,
];
const wild: typeof mild = [
  ...mild,
  () => undefined,
  () => null,
  () => -1,
  () => 0.5,
  () => 2 ** 31,
  () => 1e300,
  () => '',
  () => '__proto__',
  () => '\u001b[2J',
  () => [],
  () => ({}),
];

// Loops of a kernel end at what its uniforms say: a huge one is a kernel that takes hours, which nothing can tell from
// one that is slow. So these change a little only.
const runsLoops = (path: readonly string[]): boolean => path.includes('uniforms') || path.includes('workgroups');
const changes = fc
  .constantFrom(...pathsOf(sealed).filter(([key]) => key !== 'digest'))
  .chain((path) => fc.tuple(fc.constant(path), fc.constantFrom(...(runsLoops(path) ? mild : wild))));

describe('a manifest that was changed after it was sealed', () => {
  it('is refused with E0715 wherever one value is another one', () => {
    fc.assert(
      fc.property(changes, ([path, change]) => {
        const json = changed(sealed, path, change);
        if (JSON.stringify(json) === JSON.stringify(sealed)) return;
        expect(() => parseManifest(json), path.join('.')).toThrow(expect.objectContaining({ code: 'E0715' }));
      }),
      { numRuns: 1000 },
    );
  });
});

describe('a manifest that was changed and sealed again', () => {
  let opened: OpenedDevice;
  beforeAll(async () => {
    opened = await openDevice();
  });
  afterAll(() => opened.close());

  async function outcome(json: { [key: string]: Json }): Promise<string> {
    const { digest: _, files, ...content } = json;
    try {
      const manifest = parseManifest(sealManifest(content, (files ?? {}) as Readonly<Record<string, string>>));
      const session = await createSession(opened.device, { ...artifact, manifest }, { profile: 'software' });
      try {
        await session.run({ image });
      } finally {
        session.dispose();
      }
      return 'values';
    } catch (error) {
      if (error instanceof RuntimeFault) return error.code;
      throw error;
    }
  }

  it('gives values or a coded fault, and the device goes on', async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(changes, async ([path, change]) => {
        const result = await outcome(changed(sealed, path, change));
        seen.set(result, (seen.get(result) ?? 0) + 1);
        expect(result, path.join('.')).toMatch(/^(values|E0715|E090[2456])$/);
      }),
      { numRuns: 150 },
    );
    expect(await outcome(sealed)).toBe('values');
    console.log(`outcomes: ${[...seen].map(([code, count]) => `${code} ${count}`).join(', ')}`);
  });

  it('a kernel that reads and writes far behind its buffers does neither', async () => {
    const kernels = new Map(
      [...artifact.kernels].map(([file, text]) => [
        file,
        // Every access of a storage buffer, moved by more than a gigabyte.
        text.replaceAll(/\bB(\d+)\[/g, 'B$1[90000000u + '),
      ]),
    );
    const session = await createSession(opened.device, { ...artifact, kernels }, { profile: 'software' });
    expect((await session.run({ image }))['y']?.shape).toEqual([2, 6, 6, 5]);
    session.dispose();
    expect(await outcome(sealed)).toBe('values');
  });
});
