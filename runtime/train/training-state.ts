/** Where a training run stands: everything that its next step depends on besides tensors. */
import * as v from 'valibot';

/** A figure in JSON, which has no NaN: null stands for it. */
const figureSchema = v.pipe(
  v.nullable(v.number()),
  v.transform((value) => value ?? NaN),
);
const countSchema = v.pipe(v.number(), v.integer(), v.minValue(0));

/** Figures of an interval of steps, or of a whole epoch. */
export const recordSchema = v.object({
  /** Counted from one. */
  epoch: countSchema,
  /** Optimizer steps of the run up to here. */
  step: countSchema,
  /** By name as a monitor has it: `train.loss`, `train.accuracy`, with a teacher `train.label_loss`; of an epoch `val.*` too. */
  values: v.record(v.string(), figureSchema),
  /** Of the last step. */
  lr: figureSchema,
  momentum: v.optional(figureSchema),
  /** Mean over the steps of the global L2 norm of the gradient, before clipping. */
  gradNorm: figureSchema,
  imagesPerSecond: figureSchema,
  /** Time of the run up to here, without interruptions. */
  seconds: figureSchema,
});
export type TrainingRecord = v.InferOutput<typeof recordSchema>;

/** Sums over steps; `labels` are those that count. */
const sumsSchema = v.object({
  loss: v.number(),
  correct: v.number(),
  gradNorm: v.number(),
  steps: countSchema,
  labels: countSchema,
  /** With a teacher: the part of the loss that the labels make. */
  labelLoss: v.optional(v.number()),
});
export type Sums = v.InferOutput<typeof sumsSchema>;

export const trainingStateSchema = v.object({
  /** Optimizer steps done. */
  step: countSchema,
  /** The epoch under way, counted from zero, and its batches that are done: all of them before it is evaluated. */
  epoch: countSchema,
  batch: countSchema,
  /** Labels of the steps whose other sums still lie in the session's totals. */
  intervalLabels: countSchema,
  epochSums: sumsSchema,
  plateau: v.nullable(
    v.object({ lr: v.number(), best: v.nullable(v.number()), badEpochs: countSchema, cooldown: countSchema }),
  ),
  earlyStop: v.object({
    wait: countSchema,
    best: v.nullable(v.number()),
    bestEpoch: v.nullable(countSchema),
    stoppedEpoch: v.nullable(countSchema),
  }),
  /** The epoch of `best.safetensors`, counted from one, and its monitored metric. */
  best: v.nullable(v.object({ value: v.number(), epoch: countSchema })),
  /** Rollbacks so far, and what they make of the learning rate. */
  rollbacks: v.object({ count: countSchema, lrScale: v.number() }),
  seconds: v.number(),
  history: v.array(recordSchema),
  /** Why the run is over; null while it is not. */
  ended: v.nullable(v.picklist(['finished', 'early-stop'])),
});
export type TrainingState = v.InferOutput<typeof trainingStateSchema>;

export const noSums: Sums = { loss: 0, correct: 0, gradNorm: 0, steps: 0, labels: 0 };

export function addSums(a: Sums, b: Sums): Sums {
  return {
    loss: a.loss + b.loss,
    correct: a.correct + b.correct,
    gradNorm: a.gradNorm + b.gradNorm,
    steps: a.steps + b.steps,
    labels: a.labels + b.labels,
    ...(b.labelLoss === undefined ? {} : { labelLoss: (a.labelLoss ?? 0) + b.labelLoss }),
  };
}
