/** What stands at the end of a training: its best figures, and commands that can be typed. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { endText, nextCommands, outcomeText, tellInterrupted } from '../../compiler/cli/commands/train/end.ts';
import { openStages } from '../../compiler/cli/setting-flags.ts';
import type { StageOutcome } from '../../compiler/stages/run/run-stages.ts';
import type { TrainResult } from '../../runtime/train/loop/training-run.ts';
import { cnnc, tinySource } from './cnnc.ts';

const source = `${tinySource}
dataset shapes { format = "synthetic"  classes = 4  size = 8px }
train base for Tiny { data = shapes  loss = cross_entropy()  optimizer = sgd(lr=0.1) }
quantize small for Tiny { from = base  calibrate { data = shapes.train } }
`;

let [folder, file] = ['', ''];
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-end-'));
  file = join(folder, 'm.cnn');
  writeFileSync(file, source);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function outcomeOf(name: string, figures: Readonly<Record<string, number>> = { 'val.accuracy': 0.9 }) {
  const { stages } = await openStages(file, {});
  const stage = stages.find((each) => each.name === name);
  if (!stage) throw new RangeError(name);
  const path = join('runs', name);
  return { stage, folder: { path }, isCached: false, figures } as unknown as StageOutcome;
}

const npx = { program: 'npx cnnc', seed: 0 };

describe('the next commands', () => {
  it('build the stage and measure it on the validation part', async () => {
    expect(nextCommands(npx, file, await outcomeOf('base'), {})).toEqual([
      `npx cnnc build ${file}:base`,
      `npx cnnc eval ${join('build', 'base')} --data ${file}:shapes.val`,
    ]);
    expect(nextCommands(npx, file, await outcomeOf('base', {}), {})).toEqual([`npx cnnc build ${file}:base`]);
  });

  it('repeat what the stage was trained with', async () => {
    const flags = {
      output: 'my runs',
      epochs: 3,
      lr: '0.1',
      set: ['train.batch=4'],
      P: { classes: '4' },
      limitBatches: 2,
    };
    const [build] = nextCommands({ ...npx, seed: 5 }, `${file}:base`, await outcomeOf('base'), flags);
    expect(build).toBe(
      `npx cnnc build ${file}:base --runs 'my runs' --set train.epochs=3 --set train.lr=0.1 --set train.batch=4 ` +
        '--limit-batches 2 -P classes=4 --seed 5',
    );
    const data = { data: 'image-folder:elsewhere' };
    expect(nextCommands(npx, file, await outcomeOf('base'), data)).toEqual([
      `npx cnnc build ${file}:base --data image-folder:elsewhere`,
    ]);
    const elsewhere = { set: ['dataset.path=elsewhere'] };
    expect(nextCommands(npx, file, await outcomeOf('base'), elsewhere)).toHaveLength(1);
  });

  it('build the weights of a training that started from given ones, and nothing of what follows one', async () => {
    expect(nextCommands(npx, file, await outcomeOf('base'), { weights: 'w.safetensors' })[0]).toBe(
      `npx cnnc build ${file}:Tiny --weights runs/base/best.safetensors -o build/base`,
    );
    expect(nextCommands(npx, file, await outcomeOf('small'), { weights: 'w.safetensors' })).toEqual([]);
  });

  it('are right: they run', async () => {
    const runs = join(folder, 'runs');
    const small = ['--epochs', '1', '--limit-batches', '1', '--batch', '4', '--set', 'dataset.samples=40'];
    const ran = await cnnc('train', file, '-o', runs, ...small);
    expect(ran.code).toBe(0);
    const [, next = ''] = ran.out.split('\nNext\n  npx cnnc ');
    expect(next.trimEnd()).toBe(
      `build ${file}:small --runs ${runs} --set train.epochs=1 --set train.batch=4 --set dataset.samples=40 --limit-batches 1`,
    );
    expect(await cnnc(...next.trimEnd().split(' '), '-o', join(folder, 'net'))).toMatchObject({ code: 0, err: '' });
  });
});

const result = (changed: Partial<TrainResult['state']>, ended: TrainResult['ended'] = 'finished'): TrainResult => ({
  ended,
  state: { step: 1234, seconds: 12.34, history: [], best: null, ...changed } as unknown as TrainResult['state'],
  weights: new Map(),
  restoredEpoch: undefined,
});

it('tells the best epoch by what was measured', () => {
  const history = [1, 2].map((epoch) => ({
    epoch,
    values: { 'train.loss': 1, 'val.loss': 0.5, 'val.accuracy': 0.75 },
  }));
  const best = { value: 0.5, epoch: 2 };
  expect(endText(result({ history, best } as unknown as Partial<TrainResult['state']>))).toBe(
    'finished after 1,234 steps, 12.3 s\nbest epoch 2: val.loss 0.5000, val.accuracy 0.7500',
  );
  const alone = history.map(({ epoch }) => ({ epoch, values: { 'train.loss': 1 } }));
  expect(endText(result({ history: alone, best } as unknown as Partial<TrainResult['state']>, 'early-stop'))).toBe(
    'stopped early after 1,234 steps, 12.3 s\nbest epoch 2: train.loss 1.0000',
  );
});

it('tells where the weights of a stage are, in lines that fit', async () => {
  const figures = {
    params: 75_290,
    macs: 12.2e6,
    size: 303_000,
    peak_memory: 523_000,
    'val.accuracy': 0.9,
    latency_p50_ms: 3.1,
  };
  const outcome = await outcomeOf('base', figures);
  expect(outcomeText(outcome, 80)).toBe(
    `base: done; its weights are ${join('runs', 'base', 'best.safetensors')}
  params 75,290, MACs 12.2 M, size 296 KiB, peak memory 511 KiB,
  accuracy 90.00%, latency 3.10 ms`,
  );
  expect(outcomeText({ ...outcome, isCached: true, figures: {} }, 80)).toBe(
    `base: up to date, in ${join('runs', 'base')}`,
  );
});

it('names the command that goes on', () => {
  const lines: string[] = [];
  const output = { progress: () => undefined, data: (text: string) => lines.push(text) };
  const context = { output, program: 'npx cnnc', argv: ['train', 'my model.cnn'] };
  const told = context as unknown as Parameters<typeof tellInterrupted>[0];
  tellInterrupted(told, result({ step: 1 }, 'interrupted'));
  tellInterrupted(told);
  expect(lines).toEqual([
    "interrupted after 1 step; this goes on from here:\n  npx cnnc train 'my model.cnn' --resume",
    "interrupted between trainings; this goes on from here:\n  npx cnnc train 'my model.cnn' --resume",
  ]);
});
