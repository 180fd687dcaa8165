/** The folder of a run: what lies in it, that nothing is told twice, and that no run is lost. */
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openRunFolder, type RunFolderOptions } from '../../../runtime/node/run/run-folder.ts';
import { parseSafetensors } from '../../../runtime/files/safetensors.ts';
import { toFloat32 } from '../../../runtime/files/stored-tensor.ts';
import { train } from '../../../runtime/train/loop/trainer.ts';
import type { TrainingEvent, TrainOptions, TrainResult } from '../../../runtime/train/loop/training-run.ts';
import { faultOfAsync } from '../fault.ts';
import { perEpoch, tinyRecipe, tinySession, tinyTraining, type TinySession } from '../train/tiny-training.ts';
import { temporaryFolder } from './temporary-folder.ts';

const every = { value: 3, unit: 'steps' } as const;
const recipe = tinyRecipe({ checkpoint: { ...tinyRecipe().checkpoint, every } });
const options: RunFolderOptions = {
  recipe,
  model: 'Tiny',
  classNames: ['cat', 'dog'],
  resume: false,
  about: [],
  settings: [],
  pictureOf: (position) => Promise.resolve({ name: `sample ${position}`, picture: undefined }),
};

interface Trained {
  readonly more?: Partial<TrainOptions>;
  readonly session?: TinySession;
  readonly resume?: boolean;
  /** Sees each event after the folder has. */
  readonly watch?: (event: TrainingEvent) => void;
  readonly recipe?: typeof recipe;
}

/** What `runTraining` does, without a device. */
async function trainIn(
  path: string,
  { more, session, resume, watch, recipe: own = recipe }: Trained = {},
): Promise<TrainResult> {
  const folder = await openRunFolder(path, { ...options, recipe: own, resume: resume ?? false });
  const tiny = tinyTraining(
    { recipe: own, resumeFrom: folder.found?.checkpoint, store: folder.store, ...more },
    session,
  );
  const onEvent = async (event: TrainingEvent): Promise<void> => {
    await folder.record(event);
    watch?.(event);
  };
  const result = await train({ ...tiny.options, onEvent }).catch(async (error: unknown) => {
    await folder.close(true);
    throw error;
  });
  await folder.close(false);
  return result;
}

const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(join(path, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

/** Lines without what the clock says. */
const timeless = (path: string): unknown[] =>
  linesOf(path).map((line) => ({ ...line, seconds: undefined, imagesPerSecond: undefined }));

describe('a run', () => {
  it.skipIf(process.platform === 'win32')('leaves the permissions of its folder to the umask', async () => {
    const path = join(temporaryFolder(), 'run');
    const before = process.umask(0o027);
    onTestFinished(() => void process.umask(before));
    await trainIn(path);
    expect(statSync(path).mode & 0o777).toBe(0o750);
  });

  it('leaves settings, figures, weights, checkpoints and a report', async () => {
    const path = join(temporaryFolder(), 'runs', 'first');
    const { state, weights } = await trainIn(path);
    expect(readdirSync(path).sort()).toEqual([
      'best.safetensors',
      'final.safetensors',
      'last.ckpt',
      'metrics.jsonl',
      'recipe.json',
      'report.html',
      'step-00000024.ckpt',
      'step-00000027.ckpt',
    ]);
    expect(JSON.parse(readFileSync(join(path, 'recipe.json'), 'utf8'))).toEqual(recipe);
    const epochs = linesOf(path).filter(({ type }) => type === 'epoch');
    expect(epochs.map(({ values }) => values)).toEqual(state.history.map(({ values }) => values));
    expect(epochs[0]).toMatchObject({ confusion: [expect.any(Array), expect.any(Array), expect.any(Array)] });
    expect(linesOf(path).at(-1)).toEqual({ type: 'end', step: 4 * perEpoch, ended: 'finished' });
    const { tensors, metadata } = parseSafetensors(readFileSync(join(path, 'final.safetensors')));
    expect(metadata.get('format')).toBe('pt');
    expect([...tensors.keys()].sort()).toEqual([...weights.keys()].sort());
    for (const [name, { data }] of weights) expect(toFloat32(tensors.get(name)!)).toEqual(data);
  });

  it('writes nothing before it starts', async () => {
    const path = join(temporaryFolder(), 'none');
    const folder = await openRunFolder(path, options);
    await folder.close(true);
    expect(existsSync(path)).toBe(false);
  });

  it('is not written over', async () => {
    const path = temporaryFolder();
    await trainIn(path);
    const before = readFileSync(join(path, 'last.ckpt'));
    expect(await faultOfAsync(() => trainIn(path))).toBe(`E0723: ${path} holds a training run already`);
    expect(readFileSync(join(path, 'last.ckpt'))).toEqual(before);
  });

  it('does not begin among files that are not its own', async () => {
    for (const name of ['report.html', 'recipe.json']) {
      const path = temporaryFolder({ [name]: '{}' });
      const fault = `E0723: ${path} holds ${name} and is no run of cnnc, so it is left alone`;
      expect(await faultOfAsync(() => trainIn(path))).toBe(fault);
      expect(await faultOfAsync(() => trainIn(path, { resume: true }))).toBe(fault);
      expect(readFileSync(join(path, name), 'utf8')).toBe('{}');
    }
    // One that was killed before its first checkpoint has settings.
    const path = temporaryFolder({ 'recipe.json': JSON.stringify(recipe), 'report.html': '', '.DS_Store': '' });
    await trainIn(path);
    expect(readFileSync(join(path, 'report.html'), 'utf8')).toContain('Tiny');
  });

  it('that failed says so', async () => {
    const path = temporaryFolder();
    const broken = tinySession((inputs) => inputs['rng']!.data[0] === 9);
    expect(await faultOfAsync(() => trainIn(path, { session: broken }))).toMatch(/^E0909/);
    // Step 9 fails, and the interval that it is in ends with step 11: the seven of an epoch are four and three.
    expect(linesOf(path).at(-1)).toEqual({ type: 'end', step: 11, ended: 'failed' });
    expect(readFileSync(join(path, 'report.html'), 'utf8')).toContain('failed after 1 of 4 epochs');
  });

  it('cannot be kept where a file is in the way', async () => {
    const path = temporaryFolder({ file: '' });
    expect(await faultOfAsync(() => trainIn(join(path, 'file', 'run')))).toMatch(/^E07(10|23): /);
  });
});

describe('a run that goes on', () => {
  it('after a kill at any step tells every line once', async () => {
    const whole = temporaryFolder();
    await trainIn(whole);
    for (const kills of [[1], [4], [7], [14, 15], [8, 9, 10], [27]]) {
      const path = temporaryFolder();
      for (const kill of kills) {
        const watch = (event: TrainingEvent): void => {
          if (event.type === 'progress' && event.step === kill) throw new Error('killed');
        };
        await expect(trainIn(path, { watch, resume: true })).rejects.toThrow('killed');
        // A kill writes no last words, and may cut a line off.
        const text = readFileSync(join(path, 'metrics.jsonl'), 'utf8').replace(/\{"type":"end".*\n/, '');
        writeFileSync(join(path, 'metrics.jsonl'), `${text}{"type":"step","ste`);
        writeFileSync(join(path, '.last.ckpt.0123456789ab.tmp'), 'half');
      }
      await trainIn(path, { resume: true });
      expect(timeless(path)).toEqual(timeless(whole));
      expect(readdirSync(path).filter((name) => name.endsWith('.tmp'))).toEqual([]);
      for (const name of ['best', 'final']) {
        const read = (folder: string): Buffer => readFileSync(join(folder, `${name}.safetensors`));
        expect(read(path).equals(read(whole))).toBe(true);
      }
    }
  });

  it('after an interruption during evaluation and a kill right after it tells the epoch once', async () => {
    const whole = temporaryFolder();
    await trainIn(whole);
    const path = temporaryFolder();
    const abort = new AbortController();
    const session = tinySession();
    const observed = {
      ...session,
      evaluate(inputs: Parameters<TinySession['evaluate']>[0]) {
        abort.abort();
        return session.evaluate(inputs);
      },
    };
    await trainIn(path, { more: { signal: abort.signal, session: observed } });
    expect(linesOf(path).at(-1)).toMatchObject({ type: 'end', ended: 'interrupted', step: perEpoch });
    const watch = (event: TrainingEvent): void => {
      if (event.type === 'epoch') throw new Error('killed');
    };
    await expect(trainIn(path, { watch, resume: true })).rejects.toThrow('killed');
    await trainIn(path, { resume: true });
    expect(timeless(path)).toEqual(timeless(whole));
  });

  it('with another recipe changes nothing in the folder', async () => {
    const path = temporaryFolder();
    await trainIn(path);
    const before = readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'hex')]);
    const other = { ...recipe, lr: 0.3 };
    expect(await faultOfAsync(() => trainIn(path, { recipe: other, resume: true }))).toMatch(/^E0717: .*lr is 0.3/);
    expect(readdirSync(path).map((name) => [name, readFileSync(join(path, name), 'hex')])).toEqual(before);
  });

  it('starts where there is no run yet', async () => {
    const path = join(temporaryFolder(), 'new');
    expect(await trainIn(path, { resume: true })).toMatchObject({ ended: 'finished' });
  });

  it('passes over a damaged checkpoint', async () => {
    const path = temporaryFolder();
    await trainIn(path);
    writeFileSync(join(path, 'last.ckpt'), 'damaged');
    const folder = await openRunFolder(path, { ...options, resume: true });
    expect(folder.found?.checkpoint.state.step).toBe(27);
    expect(folder.found?.damaged).toHaveLength(1);
    await trainIn(path, { resume: true });
    expect(linesOf(path).filter(({ type }) => type === 'epoch')).toHaveLength(4);
  });

  it('from an earlier state after a rollback drops what was undone', async () => {
    const path = temporaryFolder();
    const onNan = { kind: 'rollback', lrScale: 0.5, max: 2 } as const;
    const each = { ...recipe, onNan };
    const delicate = tinySession((inputs) => inputs['rng']!.data[0] === 11 && inputs['lr']!.data[0]! > 0.12);
    await trainIn(path, { recipe: each, session: delicate });
    const lines = linesOf(path);
    expect(lines.filter(({ type }) => type === 'rollback')).toEqual([
      { type: 'rollback', step: 9, count: 1, lrScale: 0.5 },
    ]);
    const steps = lines.filter(({ type }) => type === 'step').map(({ step }) => step);
    expect(steps).toEqual([...new Set(steps)]);
    expect(readFileSync(join(path, 'report.html'), 'utf8')).toContain('back to step 9, learning rate times 0.5');
  });
});
