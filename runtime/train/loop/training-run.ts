/** What a training run is made of: the session, the batches, where it keeps things, and what it tells. */
import type { HostTensor } from '../../host-tensor.ts';
import type { Checkpoint, Tensors } from '../checkpoint.ts';
import type { Confusion } from './metrics.ts';
import type { Mistake } from './mistakes.ts';
import type { Recipe } from '../recipe.ts';
import { ratesAt, type Rates } from './schedules.ts';
import type { StepTrace } from '../trace-step.ts';
import type { TrainingRecord, TrainingState } from '../training-state.ts';

export type Inputs = Readonly<Record<string, HostTensor>>;

/** The part of a TrainingSession that the loop uses. */
export interface StepSession {
  /** Submits a step; with `read` false it resolves once it is submitted. Inputs may be reused at once. */
  submitStep(inputs: Inputs, read: boolean): Promise<Inputs | undefined>;
  evaluate(inputs: Inputs): Promise<Inputs>;
  /** Tensors of these state vectors, or of all of them, after all that was submitted before. */
  readState(vectors?: readonly string[]): Promise<Tensors>;
  /** Whole vectors: those of which no tensor is given keep their values. */
  writeState(tensors: Tensors): void;
  /** Resolves when everything submitted so far is done. */
  idle(): Promise<void>;
}

/** A state vector of a training artifact. */
export interface StateVectorInfo {
  readonly name: string;
  readonly tensors: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly kind: 'parameter' | 'auxiliary' | 'statistic' | 'slot' | 'ema' | 'total';
  }[];
}

export interface Batch {
  /** Complete batches: samples from `count` on only fill it up. */
  readonly inputs: Inputs;
  readonly count: number;
}

/** The batches of a split, the same ones for the same epoch whenever it is asked. */
export interface BatchSource {
  readonly stepsPerEpoch: number;
  /** The batches of an epoch, counted from zero, from batch `from` on. */
  epoch(epoch: number, from: number): AsyncIterable<Batch>;
}

/** Where a run keeps what must outlive it. Each call resolves when all is safely there. */
export interface TrainingStore {
  /** `periodic`: one of those that `checkpoint.every` asks for, of which `checkpoint.keep` are kept. */
  saveCheckpoint(checkpoint: Checkpoint, periodic: boolean): Promise<void>;
  /** Weights as evaluated, by their PyTorch names: the best ones so far, or those that the run ends with. */
  saveWeights(kind: 'best' | 'final', weights: Tensors): Promise<void>;
}

export type Ended = 'finished' | 'early-stop' | 'interrupted';

export type TrainingEvent =
  | { readonly type: 'start'; readonly state: TrainingState; readonly stepsPerEpoch: number }
  /** After every step; epoch and batch count from one. */
  | { readonly type: 'progress'; readonly epoch: number; readonly batch: number; readonly step: number }
  | { readonly type: 'step'; readonly record: TrainingRecord }
  | {
      readonly type: 'epoch';
      readonly record: TrainingRecord;
      /** Whether these are the best weights so far. */
      readonly best: boolean;
      readonly confusion: Confusion | undefined;
      /** Of the validation split, the surest first. */
      readonly mistakes: readonly Mistake[];
    }
  | { readonly type: 'checkpoint'; readonly step: number }
  /** Numbers that are not finite turned up in steps `after + 1` to `step`. */
  | { readonly type: 'not-finite'; readonly after: number; readonly step: number }
  /** The run goes on from step `step`, with `epoch` epochs done. */
  | {
      readonly type: 'rollback';
      readonly step: number;
      readonly epoch: number;
      readonly count: number;
      readonly lrScale: number;
    }
  | { readonly type: 'end'; readonly ended: Ended; readonly restoredEpoch: number | undefined };

export interface TrainOptions {
  readonly session: StepSession;
  readonly vectors: readonly StateVectorInfo[];
  readonly recipe: Recipe;
  /** Tells apart what is trained: a checkpoint of another network is refused. */
  readonly model: string;
  readonly train: BatchSource;
  readonly validation?: BatchSource | undefined;
  readonly store: TrainingStore;
  /** Milliseconds from any moment on. */
  readonly clock: () => number;
  readonly onEvent?: ((event: TrainingEvent) => void | Promise<void>) | undefined;
  readonly resumeFrom?: Checkpoint | undefined;
  /** Ends the run after the step under way, with a checkpoint. */
  readonly signal?: AbortSignal | undefined;
  /** Makes every step checked and, where it fails, traced; see `checkedStep`. Several times as slow. */
  readonly trace?: StepTrace | undefined;
  /** Most steps between two looks at loss, accuracy and gradient norm; default 50. */
  readonly metricsEvery?: number | undefined;
}

export interface TrainResult {
  readonly ended: Ended;
  readonly state: TrainingState;
  /** What the session holds now, as evaluated, by PyTorch names. */
  readonly weights: Tensors;
  /** The epoch, counted from one, whose weights early stopping brought back. */
  readonly restoredEpoch: number | undefined;
}

export interface Moment {
  readonly step: number;
  readonly time: number;
}

/** A run under way. Its state is replaced, never changed. */
export interface Run {
  readonly options: TrainOptions;
  readonly metricsEvery: number;
  state: TrainingState;
  /** The last good state, to roll back to. */
  checkpoint: Checkpoint;
  restorable: Tensors | undefined;
  /** When, on the clock, a run without interruptions would have started. */
  readonly startedAt: number;
  /** Step and time at which the present interval of steps began, and the present epoch. */
  interval: Moment;
  epoch: Moment;
  /** Resolve as submitted steps are done, oldest first. */
  readonly inFlight: Promise<void>[];
}

export const now = ({ state, options }: Run): Moment => ({ step: state.step, time: options.clock() });

/** Seconds of training so far, without interruptions. */
export const elapsedSeconds = ({ options, startedAt }: Run): number => (options.clock() - startedAt) / 1000;

/** Images a second since a moment. */
export const speedSince = (run: Run, { step, time }: Moment): number =>
  ((run.state.step - step) * run.options.recipe.batch * 1000) / (run.options.clock() - time);

/** The rates that step `step` of the run has. */
export function ratesOf({ options, state }: Run, step: number): Rates {
  const settings = { ...options.recipe, stepsPerEpoch: options.train.stepsPerEpoch };
  const { lr, momentum } = ratesAt(settings, step, state.plateau ?? undefined);
  return { lr: lr * state.rollbacks.lrScale, momentum };
}

export async function emit(run: Run, event: TrainingEvent): Promise<void> {
  await run.options.onEvent?.(event);
}
