/** Every kind of stage in one chain: train, prune with finetune, distill, quantize; planned, run, built and evaluated. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readArtifact } from '../../runtime/node/read-artifact.ts';
import { cnnc, eventsOf, npy, summaryOf, type Line } from './cnnc.ts';

const source = `
model Tiny(image: f32[N, 3, 8, 8], width: int = 16, classes: int = 2) -> f32[N, classes] {
  return image
    |> conv1: conv(width, k=3, stride=2, bias=false) |> bn1: bn |> relu
    |> conv2: conv(width, k=3, bias=false) |> bn2: bn |> relu
    |> global_avg_pool |> flatten |> fc: linear(classes)
}
dataset pictures {
  format = "npy"  path = "images.npy"  labels = "labels.npy"  classes = 2
  split { train = 48  val = 16 }
}
train base for Tiny {
  data = pictures  epochs = 3  batch = 8  seed = 3
  loss = cross_entropy()
  optimizer = sgd(lr=0.05, momentum=0.9)
}
prune slim for Tiny {
  from = base
  target = macs(-50%)
  round_to = 4
  finetune { epochs = 1  optimizer = sgd(lr=0.02, momentum=0.9)  schedule = cosine() }
}
distill taught for Tiny {
  from = slim
  teacher = base
  epochs = 1
  optimizer = sgd(lr=0.02, momentum=0.9)
}
quantize int8 for Tiny {
  from = taught
  calibrate { data = pictures.train  samples = 32  method = min_max }
}
budget for int8 {
  drop(base) <= 50%
  macs <= 30K
}
`;

const count = 64;
let folder = '';
const at = (name: string): string => join(folder, name);
const runs = (): string => at('runs');
const stagesOf = (lines: readonly Line[]): Record<string, Line> =>
  Object.fromEntries(lines.filter(({ kind }) => kind === 'stage').map((line) => [String(line['name']), line]));
const recordOf = (stage: string): { figures: Record<string, number>; channels?: object; quantization?: object } =>
  JSON.parse(readFileSync(join(runs(), stage, 'stage.json'), 'utf8')) as ReturnType<typeof recordOf>;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-chain-'));
  writeFileSync(at('tiny.cnn'), source);
  const values = Array.from(
    { length: count * 192 },
    (_, index) => (Math.floor(index / 192) % 2) + Math.sin(index * 1.3) / 2,
  );
  writeFileSync(at('images.npy'), npy(values, [count, 3, 8, 8]));
  writeFileSync(
    at('labels.npy'),
    npy(
      Array.from({ length: count }, (_, index) => index % 2),
      [count],
    ),
  );
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('runs from training to int8, each stage on what the one before made', async () => {
  const ran = await cnnc('train', at('tiny.cnn'), '-o', runs(), '--json');
  expect(ran).toMatchObject({ code: 0 });
  const made = eventsOf(ran).filter(({ type, stage }) => type === 'artifact' && stage !== undefined);
  expect(made.map(({ stage, cached }) => [stage, cached])).toEqual([
    ['base', false],
    ['slim', false],
    ['taught', false],
    ['int8', false],
  ]);
  const [base, slim, taught, int8] = ['base', 'slim', 'taught', 'int8'].map(recordOf);
  expect(slim?.figures['macs']).toBeLessThanOrEqual((base?.figures['macs'] ?? 0) / 2);
  expect(Object.keys(slim?.channels ?? {})).toContain('conv1.weight');
  expect(taught?.channels).toEqual(slim?.channels);
  expect(int8?.channels).toEqual(slim?.channels);
  expect(taught?.quantization).toBeUndefined();
  expect(int8?.quantization).toBeDefined();
  expect(int8?.figures['size']).toBeLessThan(taught?.figures['size'] ?? 0);
  for (const record of [base, slim, taught, int8]) expect(record?.figures['val.accuracy']).toBeGreaterThan(0.5);
});

it('is up to date then, and builds from any stage', async () => {
  const planned = await cnnc('plan', at('tiny.cnn'), '--runs', runs(), '--detailed-exitcode', '--json');
  expect(planned.code).toBe(0);
  expect(Object.values(stagesOf(eventsOf(planned))).map(({ status }) => status)).toEqual([
    'cached',
    'cached',
    'cached',
    'cached',
  ]);
  for (const stage of ['base', 'slim', 'taught', 'int8']) {
    const built = await cnnc('build', `${at('tiny.cnn')}:${stage}`, '--runs', runs(), '-o', at(stage));
    expect(built).toMatchObject({ code: 0 });
    const { manifest } = await readArtifact(at(stage));
    expect(manifest.model.macs).toBe(recordOf(stage).figures['macs']);
    const data = ['--data', `npy:${at('images.npy')}`, '--labels', at('labels.npy')];
    const evaluated = await cnnc('eval', at(stage), ...data, '--json');
    expect(evaluated.code).toBe(0);
    expect(Number(summaryOf(evaluated)['top1'])).toBeGreaterThan(0.5);
  }
  const data = ['--data', `npy:${at('images.npy')}`, '--labels', at('labels.npy')];
  const noise = await cnnc('compare', at('int8'), at('taught'), ...data, '--assert', 'sqnr>=15', '--json');
  expect(noise).toMatchObject({ code: 0, err: expect.stringMatching(/^data: \d+ samples \(2 classes of \d+\)\n$/) });
  const { sqnr_db, agreement, samples } = summaryOf(noise);
  expect(sqnr_db).toBeLessThan(80);
  expect(agreement).toBeGreaterThan(0.9);
  expect(samples).toBe(count);
  const compared = await cnnc('diff', ...['base', 'slim', 'taught', 'int8'].map((stage) => join(runs(), stage)));
  expect(compared.code).toBe(0);
});

it('runs again what a changed stage is followed by, and nothing in front of it', async () => {
  writeFileSync(at('tiny.cnn'), source.replace('round_to = 4', 'round_to = 2'));
  const planned = await cnnc('plan', at('tiny.cnn'), '--runs', runs(), '--json');
  expect(stagesOf(eventsOf(planned))).toMatchObject({
    base: { status: 'cached' },
    slim: { status: 'stale', reasons: ['round_to is 2 and was 4'] },
    taught: { status: 'stale', reasons: ['it starts from slim, which has to run'] },
    int8: { status: 'stale' },
  });
  writeFileSync(at('tiny.cnn'), source);
});

it('quantizes and prunes given weights inside of a build', async () => {
  const weights = join(runs(), 'base/best.safetensors');
  const flags = ['--weights', weights, '--data', `npy:${at('images.npy')}`, '--runs', at('none')];
  const direct = source
    .replace(/distill taught[^]*?\n}\n/, '')
    .replace('from = taught', 'from = slim')
    .replace(/ {2}finetune .*\n/, '');
  writeFileSync(at('direct.cnn'), direct);
  const int8 = await cnnc('build', `${at('direct.cnn')}:int8`, ...flags, '-o', at('direct-int8'));
  // The weights are those of the whole network, which is over the budget of the pruned one.
  expect(int8).toMatchObject({ code: 0, err: expect.stringContaining('int8 misses its budget `macs <= 30K`') });
  expect(int8.err).toContain('`drop(base) <= 50%` was not checked');
  expect(int8.err).toContain('from which `slim` would have pruned');
  const { manifest } = await readArtifact(at('direct-int8'));
  expect(Object.values(manifest.constants).some(({ dtype }) => dtype === 'I8')).toBe(true);
  writeFileSync(at('direct.cnn'), direct.replace('from = slim', 'from = base'));
  const unpruned = await cnnc('build', `${at('direct.cnn')}:int8`, ...flags, '-o', at('direct-over'));
  expect(unpruned).toMatchObject({ code: 4, err: expect.stringContaining('nothing was written') });
  writeFileSync(at('direct.cnn'), direct);
  const slim = await cnnc('build', `${at('direct.cnn')}:slim`, ...flags, '-o', at('direct-slim'));
  expect(slim).toMatchObject({ code: 0 });
  expect((await readArtifact(at('direct-slim'))).manifest.model.macs).toBeLessThanOrEqual(
    (recordOf('base').figures['macs'] ?? 0) / 2,
  );
});
