/**
 * `cnnc train` killed at random moments: whatever moment it is, the newest checkpoint is whole, and the run that goes on
 * from it ends with the bits of one that was never killed. CNNC_SEED sets when.
 */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { expect, it } from 'vitest';
import { readCheckpoint } from '../../runtime/node/run/checkpoint-files.ts';
import { randomStream, type RandomStream } from '../../runtime/train/random-stream.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { amount } from '../amount.ts';
import { compiledProgram, mainOf, withoutDriverWarnings } from './compiled-program.ts';

const kills = amount(1, 3);

const source = `
model Tiny(image: f32[N, 3, 16, 16], classes: int = 2) -> f32[N, classes] {
  return image
    |> conv1: conv(4, k=3, stride=2, bias=false) |> bn1: bn |> relu
    |> global_avg_pool |> flatten |> dropout(0.1) |> fc: linear(classes)
}
dataset shapes { format = "synthetic"  samples = 72  size = 16px  classes = 2  split { train = 64  val = 8 } }
train base for Tiny {
  data = shapes  epochs = 5  batch = 4  seed = 3
  loss = cross_entropy()
  augment { horizontal_flip()  random_crop(16px, pad=2px) }
  optimizer = adamw(lr=0.01)
  schedule = cosine()
  ema = 0.9
  early_stop { monitor = val.loss  patience = 20epochs  restore_best = true }
  checkpoint { every = 3steps  keep = 2 }
}
`;

const main = mainOf(compiledProgram());

/** When a process is killed: in milliseconds from its start, or from when it begins to train. */
interface Kill {
  readonly from: 'start' | 'training';
  readonly after: number;
}

interface Life {
  /** The exit code; undefined where it was killed. */
  readonly code: number | undefined;
  readonly err: string;
  /** Milliseconds until it began to train, and until the end. */
  readonly began: number;
  readonly ended: number;
}

/** Each life writes the settings anew when it begins to train. */
function settingsOf(run: string): number {
  const path = join(run, 'recipe.json');
  return existsSync(path) ? statSync(path).ino : 0;
}

/** One process that trains, killed or not. */
function live(folder: string, run: string, kill?: Kill): Promise<Life> {
  const argv = [main, 'train', join(folder, 'tiny.cnn'), '-o', run, '--resume', '-q'];
  const [before, start] = [settingsOf(run), performance.now()];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'pipe'] });
  let [err, began] = ['', 0];
  child.stderr.on('data', (data: Buffer) => (err += String(data)));
  const timers: NodeJS.Timeout[] = [];
  const arm = (from: Kill['from']): void => {
    if (kill?.from === from) timers.push(setTimeout(() => child.kill('SIGKILL'), kill.after));
  };
  const watch = setInterval(() => {
    if (began > 0 || settingsOf(run) === before) return;
    began = performance.now() - start;
    arm('training');
  }, 2);
  timers.push(watch);
  arm('start');
  return new Promise((resolve) => {
    child.on('close', (code) => {
      for (const timer of timers) clearTimeout(timer);
      resolve({ code: code ?? undefined, err: withoutDriverWarnings(err), began, ended: performance.now() - start });
    });
  });
}

/** The steps of all checkpoints of a run; fails where one is not whole. */
async function checkpointSteps(run: string): Promise<number[]> {
  const names = existsSync(run) ? readdirSync(run).filter((name) => name.endsWith('.ckpt')) : [];
  const steps = names.map(async (name) => (await readCheckpoint(join(run, name))).state.step);
  return Promise.all(steps);
}

/** What a run leaves, without its times. */
const leavings = (run: string): unknown => {
  const lines = readFileSync(join(run, 'metrics.jsonl'), 'utf8').trim().split('\n');
  const figures = lines.map((line) => {
    const { seconds: _, imagesPerSecond: __, ...figure } = JSON.parse(line) as Record<string, unknown>;
    return figure;
  });
  const weights = ['final', 'best'].map((name) => readFileSync(join(run, `${name}.safetensors`)).toString('hex'));
  return { figures, weights };
};

/** One kill in five comes before the training begins; the others within the time that a whole one takes. */
function drawKill({ began, ended }: Life, random: RandomStream): Kill {
  const isEarly = random.uniform() < 0.2;
  return {
    from: isEarly ? 'start' : 'training',
    after: random.uniform() * (isEarly ? began : 0.7 * (ended - began)),
  };
}

it('goes on bit for bit whenever it is killed', async () => {
  const folder = temporaryFolder({ 'tiny.cnn': source });
  const straight = await live(folder, join(folder, 'straight'));
  expect(straight).toMatchObject({ code: 0, err: '' });
  const wanted = leavings(join(folder, 'straight'));
  const random = randomStream(Number(process.env['CNNC_SEED'] ?? 1), 0, 0, 0);
  let [killed, advanced, runs, last] = [0, 0, 0, 0];
  const runOf = (): string => join(folder, `run-${runs}`);
  for (let isOver = false; !isOver;) {
    const { code, err } = await live(folder, runOf(), killed < kills ? drawKill(straight, random) : undefined);
    const newest = Math.max(0, ...(await checkpointSteps(runOf())));
    expect(newest).toBeGreaterThanOrEqual(last);
    if (newest > last) advanced++;
    last = newest;
    if (code === undefined) {
      killed++;
      continue;
    }
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(leavings(runOf()), `run ${runs}`).toEqual(wanted);
    isOver = killed >= kills;
    [runs, last] = [runs + 1, 0];
  }
  const seconds = [straight.began, straight.ended].map((ms) => (ms / 1000).toFixed(1));
  console.log(
    `a run begins to train after ${seconds[0]} s and ends after ${seconds[1]} s; ${killed} kills, ` +
      `${advanced} lives that saved something new, ${runs} runs that ended with the same bits`,
  );
});
