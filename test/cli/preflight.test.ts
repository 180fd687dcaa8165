/** What `train`, `plan` and `build FILE:STAGE` find before anything runs, and budgets where their figures are born. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { encodeSafetensors, parseSafetensors } from '../../runtime/files/safetensors.ts';
import { fromFloat32 } from '../../runtime/files/stored-tensor.ts';
import { cnnc, eventsOf, npy, workshop, type Workshop } from './cnnc.ts';

const base = `
model M(x: f32[N, 3, 8, 8]) -> f32[N, 4] {
  return x |> c1: conv(8, k=3, bias=false) |> b1: bn |> relu |> global_avg_pool |> flatten |> fc: linear(4)
}
dataset shapes {
  format = "synthetic"  size = 8px  samples = 64  classes = 4  split { train = 48  val = 16 }
}
train base for M { data = shapes  epochs = 1  batch = 16  loss = cross_entropy()  optimizer = sgd(lr=0.1) }
`;
const teacher = `
model T(x: f32[N, 3, 8, 8]) -> f32[N, 4] { return x |> global_avg_pool |> flatten |> fc: linear(4) }
`;

/** Runs `train` on a chain of which only its last stage is at fault; nothing may run or be left behind. */
async function refused(stage: string, files: Parameters<typeof workshop>[0] = {}, target = ':last') {
  const shop = workshop({ 'm.cnn': base + stage, ...files });
  const ran = await cnnc('train', `${shop.at('m.cnn')}${target}`, '-o', shop.at('runs'));
  expect(existsSync(shop.at('runs'))).toBe(false);
  expect(ran.out).toBe('');
  return ran;
}

describe('before a chain runs', () => {
  it.each<[string, string, RegExp]>([
    [
      'settings that check refuses',
      'quantize last for M { from = base  calibrate { data = shapes.train }  equalize = true  finetune { epochs = 1 } }',
      /E0605.*`equalize` is for int8 without training/,
    ],
    [
      'a prune target out of reach',
      'prune last for M { from = base  target = ratio(90%)  max_ratio = 0.1 }',
      /E0605.*pruning cannot reach/,
    ],
    [
      'fewer samples than a batch for gradients',
      'prune last for M { from = base  target = ratio(50%)  criterion = taylor(samples=8) }',
      /E0605.*`taylor` measures gradients on 8 samples, which are fewer than a batch of 16\n[^]*help: write `samples=16`/,
    ],
    [
      'fewer samples than a batch for batch norms',
      'prune last for M { from = base  target = ratio(50%)  bn_reestimate { samples = 8 } }',
      /E0605.*batch norms are measured on 8 samples, which are fewer than a batch of 16/,
    ],
    [
      'a teacher file that is not there',
      `${teacher}distill last for M { from = base  teacher = T @ "teacher.safetensors" }`,
      /E0701.*cannot read .*teacher\.safetensors/,
    ],
    [
      'a hint layer that is not there',
      `${teacher}distill last for M { from = base  teacher = T @ "t.safetensors"  hints = [("c9", "fc")] }`,
      /E06\d\d.*c9/,
    ],
  ])('%s: exit code 1', async (_, stage, message) => {
    const ran = await refused(stage);
    expect(ran.err).toMatch(message);
    expect(ran.err).toMatch(/m\.cnn:\d+:\d+/);
    expect(ran.code).toBe(1);
  });

  it.each<[string, string, RegExp]>([
    [
      'calibration data that is not there',
      'dataset gone { format = "npz"  path = "gone.npz" }\nquantize last for M { from = base  calibrate { data = gone.train } }',
      /E0710.*cannot read .*gone\.npz/,
    ],
    [
      'a split that the calibration data has not',
      'quantize last for M { from = base  calibrate { data = shapes.test } }',
      /E0719.*no test split/,
    ],
    [
      'a batch of finetune larger than the data',
      'quantize last for M { from = base  calibrate { data = shapes.train }  finetune { epochs = 1  batch = 500 } }',
      /E0719.*has 48 samples, fewer than one batch of 500/,
    ],
    [
      'data for batch norms of less than a batch',
      'prune last for M { from = base  target = ratio(50%)  batch = 32  bn_reestimate { data = shapes.val } }',
      /E0719.*has 16 samples, fewer than one batch of 32/,
    ],
  ])('%s: exit code 3', async (_, stage, message) => {
    const ran = await refused(stage);
    expect(ran.err).toMatch(message);
    expect(ran.code).toBe(3);
  });

  it('data of other channels than the model', async () => {
    const data = 'dataset grey { format = "npy"  path = "i.npy"  labels = "l.npy"  classes = 4  split { val = 4 } }\n';
    const pictures = Array.from({ length: 16 * 5 * 64 }, (_, at) => at % 7);
    const files = {
      'i.npy': npy(pictures, [16, 5, 8, 8]),
      'l.npy': npy(
        Array.from({ length: 16 }, (_, at) => at % 4),
        [16],
      ),
    };
    const ran = await refused(
      `${data}train last for M { from = base  data = grey  batch = 4  epochs = 1  loss = cross_entropy()  optimizer = sgd(lr=0.1) }`,
      files,
    );
    expect(ran.err).toMatch(/E0906/);
    expect(ran.code).toBe(3);
  });

  it('a folder that cannot be made', async () => {
    const shop = workshop({ 'm.cnn': base, runs: 'a file' });
    const ran = await cnnc('train', shop.at('m.cnn'), '-o', shop.at('runs/base'));
    expect(ran).toMatchObject({ code: 3, out: '' });
    expect(ran.err).toMatch(/E0723.*runs is a file/);
  });

  it('all faults at once, each once, with the exit code of the source where it has one', async () => {
    const stages = `
dataset gone { format = "npz"  path = "gone.npz" }
prune thin for M { from = base  target = ratio(50%)  criterion = taylor(samples=8) }
quantize q for M { from = thin  calibrate { data = gone.train } }
train more for M { from = q  data = gone  epochs = 1 }
`;
    const source = stages.replace(/^train more.*$/m, '');
    const ran = await refused(source, {}, ':q');
    expect(ran.err).toMatch(/E0710[^]*E0605/);
    expect(ran.err.match(/^error/gm)).toHaveLength(2);
    expect(ran.code).toBe(1);
  });

  it('a pattern that matches nothing is a warning', async () => {
    const stage = 'quantize last for M { from = base  calibrate { data = shapes.test }  keep_float = ["zzz.*"] }';
    expect((await refused(stage)).err).toMatch(/warning\[W0010\].*`zzz\.\*`/);
  });

  it('a batch norm over one value is refused for the reason that PyTorch gives', async () => {
    const source = `
model One(x: f32[N, 3, 1, 1]) -> f32[N, 3] { return x |> c: conv(4, k=1) |> n: bn |> flatten |> fc: linear(3) }
dataset dots { format = "npy"  path = "i.npy"  labels = "l.npy"  classes = 3  split { val = 4 } }
train last for One { data = dots  batch = 1  epochs = 1  loss = cross_entropy()  optimizer = sgd(lr=0.1) }
`;
    const shop = workshop({ 'm.cnn': source });
    for (const command of ['check', 'train']) {
      const ran = await cnnc(command, shop.at('m.cnn'));
      expect(ran.code).toBe(1);
      expect(ran.err).toMatch(/E0605.*`n` gets \[1, 4, 1, 1\]: expected more than 1 value per channel when training/);
    }
    for (const right of [source.replace('batch = 1', 'batch = 2'), source.replaceAll('1, 1]', '2, 1]')]) {
      expect(await cnnc('check', workshop({ 'm.cnn': right }).at('m.cnn'))).toMatchObject({ code: 0 });
    }
  });
});

describe('budgets of stages', () => {
  it('that the declared network misses are found before it is trained', async () => {
    const ran = await refused('budget for base { params <= 100 }', {}, ':base');
    expect(ran.err).toMatch(/E0801.*base misses its budget `params <= 100`[^]*it has 268, 168% over/);
    expect(ran.code).toBe(4);
  });

  it('are judged by train and by plan, with how far off they are, and the results stay', async () => {
    const shop = workshop({ 'm.cnn': `${base}budget for base { size <= 100B }` });
    const train = () => cnnc('train', shop.at('m.cnn'), '-o', shop.at('runs/base'));
    const first = await train();
    expect(first.code).toBe(4);
    expect(first.err).toMatch(/E0801.*base misses its budget `size <= 100B`[^]*% over/);
    expect(existsSync(shop.at('runs/base/stage.json'))).toBe(true);
    const again = await train();
    expect(again).toMatchObject({ code: 4, out: expect.stringContaining('base: up to date') });
    const planned = await cnnc('plan', shop.at('m.cnn'), '--runs', shop.at('runs'));
    expect(planned.code).toBe(4);
    expect(planned.out).toContain('everything is up to date; budgets are missed by base');
    expect(planned.err).toContain('E0801');
    writeFileSync(shop.at('m.cnn'), `${base}budget for base { size <= 10MB }`);
    expect(await train()).toMatchObject({ code: 0, err: '' });
  });
});

describe('a build without a name', () => {
  const inFolder = (shop: Workshop) => ['--runs', shop.at('runs'), '-o', shop.at('out')];

  it('is of the last stage, once it has run', async () => {
    const shop = workshop({ 'm.cnn': base });
    const early = await cnnc('build', shop.at('m.cnn'), ...inFolder(shop));
    expect(early).toMatchObject({ code: 3, err: expect.stringContaining('help: run npx cnnc train') });
    expect((await cnnc('train', shop.at('m.cnn'), '-o', shop.at('runs/base'))).code).toBe(0);
    expect(await cnnc('build', shop.at('m.cnn'), ...inFolder(shop))).toMatchObject({ code: 0 });
    const manifest = JSON.parse(readFileSync(shop.at('out/manifest.json'), 'utf8')) as { stage?: { name: string } };
    expect(manifest.stage?.name).toBe('base');
    const whole = parseSafetensors(readFileSync(shop.at('runs/base/best.safetensors')));
    expect([...whole.tensors.keys()].filter((name) => /\.(bitmap|values)$/.test(name))).toEqual([]);
  });

  it('offers the stages where several could be meant', async () => {
    const second = base.slice(base.indexOf('train base')).replace('train base', 'train other');
    const shop = workshop({ 'm.cnn': base + second });
    const ran = await cnnc('build', shop.at('m.cnn'), ...inFolder(shop));
    expect(ran.code).toBe(2);
    expect(ran.err).toMatch(
      /M has no weights\nhelp: build what a stage made: npx cnnc build .*m\.cnn:base or npx cnnc build .*:other/,
    );
  });
});

it('builds a stage that takes no training from the file of a weights directive', async () => {
  const weights = {
    'c1.weight': [8, 3, 3, 3],
    'b1.weight': [8],
    'b1.bias': [8],
    'b1.running_mean': [8],
    'b1.running_var': [8],
    'fc.weight': [4, 8],
    'fc.bias': [4],
  };
  const tensors = Object.entries(weights).map(([name, shape], seed) => {
    const count = shape.reduce((product, size) => product * size, 1);
    return [
      name,
      fromFloat32(
        Float32Array.from({ length: count }, (_, at) => 0.5 + Math.sin(at + seed) / 3),
        shape,
      ),
    ] as const;
  });
  const chain = `
weights w for M { file = "w.safetensors" }
prune thin for M { data = shapes  batch = 16  target = ratio(50%) }
quantize int8 for M { from = thin  calibrate { data = shapes.train  samples = 16 } }
`;
  const source = base.replace(/^train base.*$/m, '') + chain;
  const shop = workshop({ 'm.cnn': source, 'w.safetensors': encodeSafetensors(new Map(tensors)) });
  const target = `${shop.at('m.cnn')}:int8`;
  const ran = await cnnc('build', target, '--runs', shop.at('runs'), '-o', shop.at('out'), '--json');
  expect(ran.code).toBe(0);
  expect(eventsOf(ran).at(-1)).toMatchObject({ weights: expect.stringContaining('prune and quantize of ') });
  expect(existsSync(shop.at('runs'))).toBe(false);
});
