/** A training of a linear classifier in plain TypeScript, behind the interfaces of the training loop. */
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import { uniformValues } from '../../../runtime/philox.ts';
import {
  decodeCheckpoint,
  encodeCheckpoint,
  type Checkpoint,
  type Tensors,
} from '../../../runtime/train/checkpoint.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import type {
  Batch,
  BatchSource,
  Inputs,
  StateVectorInfo,
  StepSession,
  TrainingEvent,
  TrainingStore,
  TrainOptions,
} from '../../../runtime/train/loop/training-run.ts';
import type { TrainingRecord } from '../../../runtime/train/training-state.ts';

const [features, classes] = [4, 3];

export const tinyRecipe = (more: Partial<Recipe> = {}): Recipe => ({
  name: 'base',
  seed: 7,
  epochs: 4,
  batch: 5,
  data: { name: 'points', format: 'synthetic', split: { seed: 1 } },
  target: { kind: 'class', classes },
  augment: [],
  lr: 0.2,
  momentum: 0.9,
  schedule: {
    warmup: { length: { value: 3, unit: 'steps' }, start: 0.1 },
    base: { kind: 'cosine', etaMin: 0, unit: 'step' },
  },
  scalars: [
    { input: 'lr', kind: 'lr' },
    { input: 'momentum', kind: 'momentum' },
    { input: 'correction', kind: 'biasCorrection', beta: 0.9 },
    { input: 'rng', kind: 'rng' },
  ],
  metrics: ['accuracy'],
  checkpoint: { every: { value: 1, unit: 'epochs' }, keep: 2, best: { monitor: 'val.loss', mode: 'min' } },
  onNan: { kind: 'stop' },
  ...more,
});

export const tinyVectors: readonly StateVectorInfo[] = [
  {
    name: 'weights',
    tensors: [
      { name: 'fc.weight', shape: [classes, features], kind: 'parameter' },
      { name: 'fc.bias', shape: [classes], kind: 'parameter' },
    ],
  },
  { name: 'momentum.weights', tensors: [{ name: 'optim.momentum', shape: [classes, features + 1], kind: 'slot' }] },
  {
    name: 'ema.weights',
    tensors: [
      { name: 'ema.fc.weight', shape: [classes, features], kind: 'ema' },
      { name: 'ema.fc.bias', shape: [classes], kind: 'ema' },
    ],
  },
  { name: 'statistics', tensors: [{ name: 'bn.running_mean', shape: [features], kind: 'statistic' }] },
  { name: 'totals', tensors: [{ name: 'totals', shape: [1, 4], kind: 'total' }] },
];

const sizeOf = (shape: readonly number[]): number => shape.reduce((a, b) => a * b, 1);
const filled = (shape: readonly number[], value: number): HostTensor => ({
  shape,
  data: new Float32Array(sizeOf(shape)).fill(value),
});

export interface TinySession extends StepSession {
  readonly steps: Inputs[];
  /** Submitted steps that were not waited for, at most. */
  mostInFlight: number;
}

/** `breaks` says after which step, seen from its inputs, the weights are no longer numbers. */
export function tinySession(breaks: (inputs: Inputs) => boolean = () => false): TinySession {
  const all = tinyVectors.flatMap(({ tensors }) => tensors);
  const state = new Map(all.map(({ name, shape }) => [name, filled(shape, 0)]));
  const values = (name: string): Float32Array => state.get(name)!.data;
  const steps: Inputs[] = [];
  let inFlight = 0;
  const session: TinySession = {
    steps,
    mostInFlight: 0,
    submitStep(inputs, read) {
      if (read) throw new Error('the loop reads no step');
      steps.push(inputs);
      inFlight++;
      session.mostInFlight = Math.max(session.mostInFlight, inFlight);
      stepOf(values, inputs, breaks(inputs));
      return Promise.resolve(undefined);
    },
    evaluate: (inputs) => Promise.resolve(evaluationOf(values, inputs)),
    readState(vectors) {
      const chosen = tinyVectors.filter(({ name }) => !vectors || vectors.includes(name));
      const names = chosen.flatMap(({ tensors }) => tensors.map(({ name }) => name));
      return Promise.resolve(
        new Map(names.map((name) => [name, { shape: state.get(name)!.shape, data: values(name).slice() }])),
      );
    },
    writeState(tensors) {
      for (const { tensors: parts } of tinyVectors) {
        const given = parts.filter(({ name }) => tensors.has(name));
        if (given.length > 0 && given.length < parts.length) throw new Error('a vector is written as a whole');
      }
      for (const [name, { data }] of tensors) values(name).set(data);
    },
    async idle() {
      const before = inFlight;
      await new Promise((resolve) => setImmediate(resolve));
      inFlight = Math.max(0, inFlight - before);
    },
  };
  return session;
}

function probabilities(weight: Float32Array, bias: Float32Array, x: Float32Array): readonly number[] {
  const scores = Array.from({ length: classes }, (_, k) =>
    x.reduce((sum, value, j) => sum + value * (weight[k * features + j] ?? 0), bias[k] ?? 0),
  );
  const top = Math.max(...scores);
  const powers = scores.map((score) => Math.exp(score - top));
  const total = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / total);
}

const argMax = (row: readonly number[]): number => row.indexOf(Math.max(...row));

/** One step of SGD with momentum, a moving average with decay 0.8 and noise by the random input. */
function stepOf(values: (name: string) => Float32Array, inputs: Inputs, broken: boolean): void {
  const scalar = (name: string): number => inputs[name]!.data[0]!;
  const [images, labels] = [inputs['image']!.data, inputs['labels']!.data];
  const gradient = new Float64Array(classes * (features + 1));
  let [loss, correct] = [0, 0];
  labels.forEach((label, n) => {
    const x = images.subarray(n * features, (n + 1) * features);
    const p = probabilities(values('fc.weight'), values('fc.bias'), x);
    loss -= Math.log(p[label]!) / labels.length;
    correct += argMax(p) === label ? 1 : 0;
    p.forEach((value, k) => {
      const g = (value - (k === label ? 1 : 0)) / labels.length;
      x.forEach((each, j) => (gradient[k * features + j]! += g * each));
      gradient[classes * features + k]! += g;
    });
  });
  const noise = uniformValues(gradient.length, inputs['rng']!.data[1]!, scalar('rng'), [-1e-2, 1e-2]);
  const slot = values('optim.momentum');
  gradient.forEach((g, at) => {
    slot[at] = scalar('momentum') * slot[at]! + (g + noise[at]!) * scalar('correction');
    const [name, index] = at < classes * features ? ['fc.weight', at] : ['fc.bias', at - classes * features];
    values(name)[index]! -= scalar('lr') * (slot[at] ?? 0);
    values(`ema.${name}`)[index] = 0.8 * values(`ema.${name}`)[index]! + 0.2 * values(name)[index]!;
  });
  if (broken) values('fc.weight')[0] = NaN;
  values('bn.running_mean').forEach((mean, j, all) => (all[j] = 0.9 * mean + 0.1 * images[j]!));
  const norm = Math.hypot(...gradient);
  [loss, correct, norm, 1].forEach((value, at) => (values('totals')[at]! += value));
}

function evaluationOf(values: (name: string) => Float32Array, inputs: Inputs): Record<string, HostTensor> {
  const [images, labels, valid] = [inputs['image']!.data, inputs['labels']!.data, inputs['valid']!.data];
  const rows = [...labels].map((_, n) =>
    probabilities(values('ema.fc.weight'), values('ema.fc.bias'), images.subarray(n * features, (n + 1) * features)),
  );
  const weight = valid.reduce((a, b) => a + b, 0);
  const loss = rows.reduce((sum, row, n) => sum - Math.log(row[labels[n]!]!) * valid[n]!, 0) / weight;
  return {
    loss: filled([1, 1], loss),
    weight: filled([1, 1], weight),
    prediction: { shape: [rows.length], data: Float32Array.from(rows, argMax) },
    scores: { shape: [rows.length, classes], data: Float32Array.from(rows.flat()) },
  };
}

/** Three clouds of points; `shuffled` gives each epoch its own order. The last batch may be filled up. */
export function tinySource(samples: number, stream: number, batch = 5, shuffled = true): BatchSource {
  const noise = uniformValues(samples * features, 3, stream, [-0.8, 0.8]);
  const point = (n: number): number[] =>
    Array.from({ length: features }, (_, j) => (n % classes === j ? 1 : 0) + noise[n * features + j]!);
  const batchOf = (order: readonly number[], at: number): Batch => {
    const chosen = order.slice(at * batch, (at + 1) * batch);
    const padded = [...chosen, ...Array<number>(batch - chosen.length).fill(order[0]!)];
    return {
      count: chosen.length,
      inputs: {
        image: { shape: [batch, features, 1, 1], data: Float32Array.from(padded.flatMap(point)) },
        labels: { shape: [batch], data: Float32Array.from(padded, (n) => n % classes) },
      },
    };
  };
  const batches = shuffled ? Math.floor(samples / batch) : Math.ceil(samples / batch);
  return {
    stepsPerEpoch: batches,
    async *epoch(epoch, from) {
      const keys = uniformValues(samples, 11, epoch, [0, 1]);
      const order = Array.from({ length: samples }, (_, n) => n);
      if (shuffled) order.sort((a, b) => keys[a]! - keys[b]!);
      for (let at = from; at < batches; at++) yield await Promise.resolve(batchOf(order, at));
    },
  };
}

export interface Kept {
  readonly checkpoints: { readonly bytes: Uint8Array; readonly periodic: boolean; readonly step: number }[];
  readonly weights: { readonly kind: 'best' | 'final'; readonly tensors: Tensors }[];
  readonly store: TrainingStore;
}

/** Keeps everything, checkpoints as the bytes of their files. */
export function keptInMemory(): Kept {
  const checkpoints: { bytes: Uint8Array; periodic: boolean; step: number }[] = [];
  const weights: { kind: 'best' | 'final'; tensors: Tensors }[] = [];
  return {
    checkpoints,
    weights,
    store: {
      async saveCheckpoint(checkpoint, periodic) {
        checkpoints.push({ bytes: await encodeCheckpoint(checkpoint), periodic, step: checkpoint.state.step });
      },
      saveWeights: (kind, tensors) => {
        weights.push({ kind, tensors });
        return Promise.resolve();
      },
    },
  };
}

export interface Tiny {
  readonly options: TrainOptions;
  readonly session: TinySession;
  readonly kept: Kept;
  readonly events: TrainingEvent[];
}

/** Options of a run that keeps everything in memory; `more` replaces parts of them. */
export function tinyTraining(more: Partial<TrainOptions> = {}, session: TinySession = tinySession()): Tiny {
  const kept = keptInMemory();
  const events: TrainingEvent[] = [];
  let time = 0;
  const options: TrainOptions = {
    session,
    vectors: tinyVectors,
    recipe: tinyRecipe(),
    model: 'tiny',
    train: tinySource(37, 0),
    validation: tinySource(13, 1, 5, false),
    store: kept.store,
    clock: () => (time += 10),
    onEvent: (event) => void events.push(event),
    metricsEvery: 4,
    ...more,
  };
  return { options, session, kept, events };
}

/** The newest checkpoint, read back from its bytes. */
export function lastCheckpoint({ checkpoints }: Kept): Promise<Checkpoint> {
  return decodeCheckpoint(checkpoints.at(-1)!.bytes);
}

/** Seven steps an epoch. */
export const perEpoch = 7;

/** Records of all events of a type. */
export const recordsOf = (events: readonly TrainingEvent[], type: 'step' | 'epoch'): readonly TrainingRecord[] =>
  events.flatMap((event) => (event.type === type ? [event.record] : []));

/** Without what depends on the clock. */
export const timeless = ({ epoch, step, values, lr, momentum, gradNorm }: TrainingRecord): object => ({
  epoch,
  step,
  values,
  lr,
  momentum,
  gradNorm,
});

/** All tensors of the state, bit by bit. */
export async function bitsOf({ session }: Pick<Tiny, 'session'>): Promise<Record<string, number[]>> {
  const state = await session.readState();
  return Object.fromEntries([...state].map(([name, { data }]) => [name, [...new Uint32Array(data.buffer)]]));
}
