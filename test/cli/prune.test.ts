/** The prune stage end to end: fewer channels or weights in the stage's folder and in what is built from it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { rebuildPruned } from '../../compiler/passes/channels/index.ts';
import { momentsGraph, statisticsMeter } from '../../compiler/stages/prune/batch-norm-statistics.ts';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import { parseSafetensors } from '../../runtime/files/safetensors.ts';
import { unpackSparse } from '../../runtime/files/sparse-tensors.ts';
import { toFloat32 } from '../../runtime/files/stored-tensor.ts';
import { built } from '../analyze/memory-host.ts';
import { cnnc, npy, summaryOf } from './cnnc.ts';

const source = `
model Tiny(image: f32[N, 3, 8, 8], classes: int = 2) -> f32[N, classes] {
  let x = image |> conv1: conv(8, k=3, bias=false) |> bn1: bn |> relu
  let y = x |> conv2: conv(8, k=3, bias=false) |> bn2: bn
  return relu(x + y) |> conv3: conv(8, k=3, stride=2) |> relu |> global_avg_pool |> flatten |> fc: linear(classes)
}
dataset shapes {
  format = "npy"  path = "images.npy"  labels = "labels.npy"  classes = 2
  split { train = 24  val = 8 }
}
dataset all {
  format = "npy"  path = "images.npy"  labels = "labels.npy"  classes = 2
  split { train = 32  val = 0 }
}
train base for Tiny {
  data = shapes  epochs = 1  batch = 8  seed = 3
  loss = cross_entropy()  optimizer = sgd(lr=0.05, momentum=0.9)
}
prune slim for Tiny {
  from = base  target = macs(-50%)  criterion = taylor(global=true, samples=24)  bn_reestimate { data = all.train  samples = 32 }
}
prune gradual for Tiny {
  from = base  target = ratio(50%)  schedule = linear(end=1epochs, every=2steps)
  finetune { epochs = 2  optimizer = sgd(lr=0.01) }
}
prune sparse for Tiny {
  from = base  structure = weight  target = ratio(75%)  criterion = l1_norm(global=true)
  finetune { epochs = 1  optimizer = sgd(lr=0.01, momentum=0.9) }
}
`;

const count = 32;
const pixels = (): Float32Array =>
  Float32Array.from({ length: count * 3 * 64 }, (_, at) => (Math.floor(at / 192) % 2) + Math.sin(at * 1.3) / 4);
const labels = (): Uint8Array =>
  npy(
    Array.from({ length: count }, (_, at) => at % 2),
    [count],
  );

let folder = '';
const at = (...names: string[]): string => join(folder, ...names);
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-prune-'));
  writeFileSync(at('tiny.cnn'), source);
  writeFileSync(at('images.npy'), npy([...pixels()], [count, 3, 8, 8]));
  writeFileSync(at('labels.npy'), labels());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const stored = (stage: string) => unpackSparse(parseSafetensors(readFileSync(at('runs', stage, 'best.safetensors'))));
const shapesOf = (stage: string): Record<string, readonly number[]> =>
  Object.fromEntries([...stored(stage)].map(([name, { shape }]) => [name, shape]));
interface Written {
  readonly figures: Record<string, number>;
  readonly channels?: Record<string, Record<string, number[]>>;
}
const recordOf = (stage: string): Written =>
  JSON.parse(readFileSync(at('runs', stage, 'stage.json'), 'utf8')) as Written;

const trained = async (stage: string) => {
  const ran = await cnnc('train', `${at('tiny.cnn')}:${stage}`, '-o', at('runs'));
  expect(ran.err).not.toMatch(/error\[/);
  expect(ran.code, ran.err).toBe(0);
  return ran;
};

describe('prune', () => {
  it('halves the multiply-accumulates, in folder and artifact', async () => {
    const { err } = await trained('slim');
    expect(err).toMatch(/slim: \d+ of 16 channels removed; [\d,.]+ M?MACs of [\d,.]+ M?MACs/);
    const [before, after] = [recordOf('base').figures, recordOf('slim').figures];
    expect(after['macs']).toBeLessThanOrEqual(0.5 * (before['macs'] ?? 0));
    expect(after['params']).toBeLessThan(before['params'] ?? 0);
    const shapes = shapesOf('slim');
    const [width = 0] = shapes['conv1.weight'] ?? [];
    expect(shapes['conv2.weight']).toEqual([width, width, 3, 3]);
    expect(shapes['bn2.running_var']).toEqual([width]);
    const ran = await cnnc('build', `${at('tiny.cnn')}:slim`, '--runs', at('runs'), '-o', at('slim.cnnc'), '--json');
    expect(ran.code, ran.err).toBe(0);
    expect(summaryOf(ran)).toBeDefined();
    const { manifest } = await readArtifact(at('slim.cnnc'));
    expect(manifest.model.macs).toBe(after['macs']);
  });

  it('measures batch norms again, on all samples together', () => {
    const { graph } = built(source, 'Tiny');
    const pruned = rebuildPruned(graph, recordOf('slim').channels ?? {}).graph;
    const weights = new Map(
      [...stored('slim')].map(([name, tensor]) => [
        name,
        { ...tensor, dtype: 'f32' as const, data: toFloat32(tensor) },
      ]),
    );
    const { graph: moments, norms } = momentsGraph(pruned, weights, count, undefined);
    const image = { dtype: 'f32', shape: [count, 3, 8, 8], data: pixels() } as const;
    const outputs = evaluateGraph(moments, { image });
    const meter = statisticsMeter(norms);
    meter.add(
      Object.fromEntries(
        Object.entries(outputs).map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }]),
      ),
    );
    const wanted = meter.result(1);
    for (const name of ['bn1.running_mean', 'bn1.running_var']) {
      const actual = weights.get(name)?.data ?? [];
      expect(actual.length).toBeGreaterThan(0);
      wanted.get(name)?.data.forEach((value, index) => expect(actual[index], name).toBeCloseTo(value, 4));
    }
  });

  it('goes step by step through the training', async () => {
    const { err } = await trained('gradual');
    expect(err).toContain('gradual: removal 1 of 3');
    expect(err).toContain('gradual: removal 3 of 3: 8 of 16 channels removed');
    expect(shapesOf('gradual')['fc.weight']).toEqual([2, 4]);
    expect(recordOf('gradual').figures['steps']).toBe(3 + 3);
  });

  it('keeps weights at zero through the finetuning, and stores them as bitmaps', async () => {
    await trained('sparse');
    expect(recordOf('sparse').figures['sparsity']).toBeCloseTo(0.75, 2);
    const file = parseSafetensors(readFileSync(at('runs', 'sparse', 'best.safetensors')));
    expect([...file.tensors.keys()]).toContain('conv2.weight.bitmap');
    const ran = await cnnc('build', `${at('tiny.cnn')}:sparse`, '--runs', at('runs'), '-o', at('sparse.cnnc'));
    expect(ran.code, ran.err).toBe(0);
  });

  it('that is done is not done again', async () => {
    const { err } = await trained('slim');
    expect(err).not.toContain('channels removed');
  });
});
