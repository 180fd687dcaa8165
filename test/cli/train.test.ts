/** `cnnc train`: a short run on generated pictures, its files, resumption bit for bit, and what is refused. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../compiler/cli/run-cli.ts';
import { cnnc, eventsOf, summaryOf } from './cnnc.ts';

const source = `
model Tiny(image: f32[N, 3, 16, 16], classes: int = 2) -> f32[N, classes] {
  return image
    |> conv1: conv(4, k=3, stride=2, bias=false) |> bn1: bn |> relu
    |> global_avg_pool |> flatten |> dropout(0.1) |> fc: linear(classes)
}
dataset shapes {
  format = "synthetic"  samples = 48  size = 16px  classes = 2
  split { train = 40  val = 8 }
}
train base for Tiny {
  data = shapes
  epochs = 4
  batch = 8
  seed = 3
  loss = cross_entropy()
  augment { horizontal_flip() }
  optimizer = sgd(lr=0.05, momentum=0.9)
  schedule = cosine()
  early_stop { monitor = val.loss  patience = 10epochs  restore_best = true }
}
`;

let folder = '';
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'cnnc-train-'));
  writeFileSync(at('tiny.cnn'), source);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const linesOf = (run: string): Record<string, unknown>[] =>
  readFileSync(at(join(run, 'metrics.jsonl')), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const importWeights = (run: string): string => readFileSync(at(join(run, 'final.safetensors'))).toString('hex');
const curve = (run: string): unknown[] => linesOf(run).map(({ epoch, step, values }) => ({ epoch, step, values }));

/** The exit code of a command that gets a SIGINT once its first epoch is over. */
function interrupted(...argv: readonly string[]): Promise<number> {
  const others = new Set(process.listeners('SIGINT'));
  const write = (text: string): void => {
    if (!text.includes('"kind":"epoch"')) return;
    // Not a signal to the process, which would end the tests.
    for (const listener of process.listeners('SIGINT')) if (!others.has(listener)) listener('SIGINT');
  };
  return runCli(argv, { stdout: { write }, stderr: { write: () => undefined }, env: {} });
}

describe('a run', () => {
  beforeAll(async () => {
    const ran = await cnnc('train', at('tiny.cnn'), '-o', at('straight'), '--json');
    expect(ran.code).toBe(0);
    expect(summaryOf(ran)).toMatchObject({ ended: 'finished', steps: 20 });
    expect(eventsOf(ran).filter(({ kind }) => kind === 'epoch')).toHaveLength(4);
  });

  it('restores the epoch with the least validation loss', () => {
    const epochs = linesOf('straight').filter(({ type }) => type === 'epoch');
    const losses = epochs.map(({ values }) => (values as Record<string, number>)['val.loss'] ?? Infinity);
    const best = epochs.findLastIndex(({ best: isBest }) => isBest === true);
    expect(losses[best]).toBe(Math.min(...losses));
    const read = (name: string) => readFileSync(at(join('straight', name)));
    expect(read('final.safetensors').equals(read('best.safetensors'))).toBe(true);
  });

  it('gives the same curve again', async () => {
    expect((await cnnc('train', at('tiny.cnn'), '-o', at('again'))).code).toBe(0);
    expect(curve('again')).toEqual(curve('straight'));
    expect(importWeights('again')).toBe(importWeights('straight'));
  });

  it('builds from its best weights', async () => {
    const built = await cnnc('build', at('tiny.cnn'), '--weights', at('straight/best.safetensors'), '-o', at('net'));
    expect(built.code).toBe(0);
  });

  it('goes on after Ctrl-C as if it had never stopped, with every line once', async () => {
    expect(await interrupted('train', at('tiny.cnn'), '-o', at('cut'), '--json')).toBe(130);
    expect(linesOf('cut').at(-1)).toMatchObject({ type: 'end', ended: 'interrupted' });
    const ran = await cnnc('train', at('tiny.cnn'), '-o', at('cut'), '--resume', '--json');
    expect(summaryOf(ran)).toMatchObject({ ended: 'finished', steps: 20 });
    expect(eventsOf(ran).filter(({ kind }) => kind === 'epoch').length).toBeLessThan(4);
    expect(curve('cut')).toEqual(curve('straight'));
    expect(importWeights('cut')).toBe(importWeights('straight'));
  });

  it('that is not over is gone on with, or left alone, before anything is read or compiled', async () => {
    mkdirSync(at('home'));
    writeFileSync(at('home/tiny.cnn'), source);
    const [file, run] = [at('home/tiny.cnn'), at('home/runs/base')];
    expect(await interrupted('train', file, '-o', run, '--json')).toBe(130);
    const built = await cnnc('build', `${file}:base`, '--runs', at('home/runs'), '--seed', '0');
    expect(built.err).toMatch(/E0725.*the stage base has to run first: a run in .*base is not over/);
    expect(built.err).toContain(`help: run npx cnnc train ${file}:base -o ${run} --resume\n`);
    // Nothing of the data is said, nor of what was compiled.
    const again = await cnnc('train', file, '-o', run);
    expect(again).toMatchObject({ code: 3, out: '' });
    expect(again.err).toMatch(/^error\[E0723\]: .*base holds a training run already\n/m);
    expect(again.err).toContain('help: go on with it by --resume');
    expect(again.err).not.toMatch(/parameters|generated pictures/);
    const longer = await cnnc('train', file, '-o', run, '--resume', '--epochs', '12');
    expect(longer).toMatchObject({ code: 3, out: '' });
    expect(longer.err).toMatch(/^error\[E0717\]/m);
    expect(longer.err).toContain('help: restore these settings; a new run begins in another folder, as -o names it;');
  });

  it('says why it cannot become longer, and what can be done instead', async () => {
    const ran = await cnnc('train', at('tiny.cnn'), '-o', at('straight'), '--resume', '--epochs', '12');
    expect(ran).toMatchObject({ code: 3, out: '' });
    const why = 'epochs is 12 and was 4, and the schedule of the rate stretches over all of them';
    expect(ran.err).toContain(`error[E0717]: the run cannot go on from its checkpoint: ${why}\n`);
    expect(ran.err).toContain(
      `help: restore these settings; without --resume a new run begins, and this one is kept as ${at('straight')}.previous; ` +
        'to go on from its weights, add a stage: `train more for Tiny { from = base ... }`\n',
    );
    expect(ran.err).not.toMatch(/parameters|generated pictures/);
  });

  it('leaves a report', () => {
    const page = readFileSync(at('straight/report.html'), 'utf8');
    expect(page).toContain('<h1>base: Tiny</h1>');
    expect(page).toContain('finished after 4 of 4 epochs');
  });

  it('is up to date where nothing changed, and not written over', async () => {
    const before = importWeights('straight');
    const ran = await cnnc('train', at('tiny.cnn'), '-o', at('straight'));
    expect(ran).toMatchObject({ code: 0, out: expect.stringMatching(/^base: up to date, in .*straight/) });
    expect(importWeights('straight')).toBe(before);
    expect(await cnnc('train', at('tiny.cnn'), '-o', at('straight'), '--resume')).toMatchObject({ code: 0 });
    expect(importWeights('straight')).toBe(before);
  });

  it('runs again where a setting changed, and keeps the earlier run', async () => {
    expect((await cnnc('train', at('tiny.cnn'), '-o', at('twice'), '--epochs', '1')).code).toBe(0);
    const before = importWeights('twice');
    const ran = await cnnc('train', at('tiny.cnn'), '-o', at('twice'), '--epochs', '2');
    expect(ran.code).toBe(0);
    expect(ran.err).toContain('base runs again: epochs is 2 and was 1; the earlier run is kept in');
    expect(importWeights('twice.previous')).toBe(before);
    const other = join(folder, 'other-name.cnn');
    writeFileSync(other, source.replace('train base', 'train second'));
    const refused = await cnnc('train', other, '-o', at('twice'));
    expect(refused).toMatchObject({ code: 3, err: expect.stringContaining('holds train base already') });
  });

  it('leaves a folder of other files alone', async () => {
    mkdirSync(at('mine'));
    for (const name of ['report.html', 'best.safetensors', 'notes.txt', 'stage.txt']) {
      writeFileSync(at(`mine/${name}`), name);
      const ran = await cnnc('train', at('tiny.cnn'), '-o', at('mine'));
      expect(ran).toMatchObject({ code: 3, out: '' });
      expect(ran.err).toMatch(/error\[E0723\]: .*mine holds .* and is no run of cnnc, so it is left alone\n/);
      expect(readdirSync(at('mine'))).toEqual([name]);
      expect(readFileSync(at(`mine/${name}`), 'utf8')).toBe(name);
      rmSync(at(`mine/${name}`));
    }
    // What no run has is in nobody's way.
    writeFileSync(at('mine/.gitkeep'), '');
    expect((await cnnc('train', at('tiny.cnn'), '-o', at('mine'), '--epochs', '1')).code).toBe(0);
    // Nor is what is put beside a run.
    writeFileSync(at('mine/notes.txt'), 'of the first');
    const again = await cnnc('train', at('tiny.cnn'), '-o', at('mine'), '--epochs', '2');
    expect(again).toMatchObject({ code: 0, err: expect.stringMatching(/kept in .*mine\.previous\n/) });
    // An earlier run with files of the user stays, and so does one of another source, which is named.
    writeFileSync(at('same.cnn'), source);
    const other = await cnnc('train', at('same.cnn'), '-o', at('mine'), '--epochs', '1');
    expect(other.err).toMatch(/the earlier run, of .*tiny\.cnn, is kept in .*mine\.previous-2\n/);
    const third = await cnnc('train', at('same.cnn'), '-o', at('mine'), '--epochs', '2');
    expect(third.err).toMatch(/; the earlier run is kept in .*mine\.previous-3\n/);
    const fourth = await cnnc('train', at('same.cnn'), '-o', at('mine'), '--epochs', '1');
    expect(fourth.err).toMatch(/; the earlier run is kept in .*mine\.previous-3\n/);
    expect(readFileSync(at('mine.previous/notes.txt'), 'utf8')).toBe('of the first');
  });

  it('refuses to go on with another optimizer, which no recipe states', async () => {
    writeFileSync(at('other.cnn'), source.replace('momentum=0.9', 'momentum=0.9, weight_decay=1e-3'));
    const ran = await cnnc('train', at('other.cnn'), '-o', at('straight'), '--resume');
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('error[E0717]') });
  });

  it('refuses to go on with another recipe', async () => {
    const ran = await cnnc('train', at('tiny.cnn'), '-o', at('straight'), '--resume', '--lr', '0.5');
    expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('error[E0717]') });
  });
});

it('refuses data that is too small before it makes a folder', async () => {
  const ran = await cnnc('train', at('tiny.cnn'), '-o', at('none'), '--batch', '64');
  expect(ran).toMatchObject({ code: 3, err: expect.stringContaining('error[E0719]') });
  expect(() => readFileSync(at('none/recipe.json'))).toThrow('ENOENT');
});

describe('settings of the command line', () => {
  const train = (...flags: readonly string[]) => cnnc('train', at('tiny.cnn'), ...flags);
  const recipeOf = (run: string): unknown => JSON.parse(readFileSync(at(join(run, 'recipe.json')), 'utf8'));

  it('are in the recipe, and a trial of a few batches is as short as it says', async () => {
    const flags = [
      '--set',
      'train.optimizer.momentum=0.5',
      '--set',
      'shapes.split.val=20',
      '--set',
      'dataset.samples=64',
    ];
    const ran = await train(
      '-o',
      at('trial'),
      '--epochs',
      '2',
      '--lr',
      '0.25',
      ...flags,
      '--limit-batches',
      '2',
      '--json',
    );
    expect(ran.code).toBe(0);
    expect(summaryOf(ran)).toMatchObject({ ended: 'finished', steps: 4 });
    expect(recipeOf('trial')).toMatchObject({
      epochs: 2,
      lr: 0.25,
      momentum: 0.5,
      limitBatches: 2,
      data: { split: { val: 20 } },
    });
    const [epoch] = linesOf('trial').filter(({ type }) => type === 'epoch');
    // Two batches of 8 are measured, of 20 samples.
    const confusion = epoch?.['confusion'] as number[][];
    expect(confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(16);
    expect(readFileSync(at('trial/report.html'), 'utf8')).toContain('a trial of at most 2 batches an epoch');
    const other = await train('-o', at('trial'), '--epochs', '2', '--lr', '0.25', ...flags, '--resume');
    expect(other).toMatchObject({ code: 3, err: expect.stringContaining('limitBatches is not given and was 2') });
  });

  it('are checked like those of the source', async () => {
    expect(await train('--lr', '-1')).toMatchObject({
      code: 1,
      err: expect.stringMatching(/E0605.*\n +--> --lr:1:10\n/),
    });
    const wrong = await train('--set', 'train.epochs=2', '--set', 'train.batch=2.5');
    expect(wrong).toMatchObject({ code: 1, err: expect.stringMatching(/E0604.*\n +--> --set:2:13\n/) });
    const misspelt = await train('--set', 'train.optimizer.momentun=0.5');
    expect(misspelt).toMatchObject({ code: 2, err: expect.stringContaining('help: did you mean `momentum`?') });
    expect(await train('--limit-batches', '0')).toMatchObject({ code: 2 });
  });
});

it('tells two classes apart by one score', async () => {
  writeFileSync(
    at('sign.cnn'),
    source
      .replace('linear(classes)', 'linear(1)')
      .replace('cross_entropy()', 'bce()')
      .replace('f32[N, classes]', 'f32[N, 1]'),
  );
  const ran = await cnnc('train', at('sign.cnn'), '-o', at('sign'), '--epochs', '1');
  expect(ran.code).toBe(0);
  const [epoch] = linesOf('sign').filter(({ type }) => type === 'epoch');
  const confusion = epoch?.['confusion'] as number[][];
  expect(confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(8);
  expect(confusion).toHaveLength(2);
  const { values } = epoch as { values: Record<string, number> };
  expect(values['val.accuracy']).toBe(((confusion[0]?.[0] ?? 0) + (confusion[1]?.[1] ?? 0)) / 8);
});

it('names the train directives that there are', async () => {
  const ran = await cnnc('train', `${at('tiny.cnn')}:other`);
  expect(ran).toMatchObject({ code: 2, err: expect.stringContaining('it has base') });
});
