/** The recipe of a training run: a train directive with every setting resolved, in base units. */
import * as v from 'valibot';
import { formatNames } from './data-formats.ts';

/** A moment or a length of the run: in epochs or in optimizer steps. */
const timeSchema = v.object({ value: v.number(), unit: v.picklist(['epochs', 'steps']) });
export type Time = v.InferOutput<typeof timeSchema>;

/**
 * What a schedule counts in: it moves once an epoch or once a step, as PyTorch's `scheduler.step()` does. Schedules
 * without it move with the unit of their times. A length in the other unit is converted by the steps of an epoch.
 */
const unitSchema = v.picklist(['epoch', 'step']);

/** Names and formulas are PyTorch's `torch.optim.lr_scheduler` (see `schedules.ts`). Lengths are in `unit`s. */
const baseScheduleSchema = v.variant('kind', [
  v.object({ kind: v.literal('constant') }),
  v.object({ kind: v.literal('step'), every: timeSchema, gamma: v.number() }),
  v.object({ kind: v.literal('multi_step'), at: v.array(timeSchema), gamma: v.number() }),
  v.object({ kind: v.literal('exponential'), gamma: v.number(), unit: unitSchema }),
  v.object({
    kind: v.literal('linear'),
    startFactor: v.number(),
    endFactor: v.number(),
    total: v.optional(timeSchema),
    unit: unitSchema,
  }),
  v.object({
    kind: v.literal('polynomial'),
    power: v.number(),
    /** To the end of the run where it is absent, as in `cosine` and `one_cycle`. */
    total: v.optional(timeSchema),
    etaMin: v.number(),
    unit: unitSchema,
  }),
  v.object({ kind: v.literal('cosine'), tMax: v.optional(timeSchema), etaMin: v.number(), unit: unitSchema }),
  v.object({ kind: v.literal('cosine_restarts'), period: timeSchema, mult: v.number(), etaMin: v.number() }),
  v.object({
    kind: v.literal('cyclic'),
    base: v.number(),
    max: v.number(),
    up: timeSchema,
    down: timeSchema,
    mode: v.picklist(['triangular', 'triangular2', 'exp_range']),
    gamma: v.number(),
    /** Cycle the momentum against the learning rate between these; absent leaves it alone. */
    momentum: v.optional(v.tuple([v.number(), v.number()])),
  }),
  v.object({
    kind: v.literal('one_cycle'),
    max: v.number(),
    total: v.optional(timeSchema),
    pctStart: v.number(),
    div: v.number(),
    finalDiv: v.number(),
    anneal: v.picklist(['cos', 'linear']),
    unit: unitSchema,
    momentum: v.optional(v.tuple([v.number(), v.number()])),
  }),
  v.object({
    kind: v.literal('plateau'),
    factor: v.number(),
    patience: v.number(),
    threshold: v.number(),
    thresholdMode: v.picklist(['rel', 'abs']),
    cooldown: v.number(),
    minLr: v.number(),
    mode: v.picklist(['min', 'max']),
    monitor: v.string(),
  }),
]);

/**
 * `warmup` runs a linear warm-up in front, from `start` times the first rate of `base` to that rate; the clock of
 * `base` starts at its end, as in PyTorch's SequentialLR.
 */
const scheduleSchema = v.object({
  warmup: v.optional(v.object({ length: timeSchema, start: v.number() })),
  base: baseScheduleSchema,
});
export type BaseSchedule = v.InferOutput<typeof baseScheduleSchema>;
export type Schedule = v.InferOutput<typeof scheduleSchema>;

/** Random changes of a training image; sizes in pixels, shares of one. Masks move with their images. */
const augmentSchema = v.variant('kind', [
  v.object({ kind: v.literal('random_crop'), size: v.number(), pad: v.number() }),
  v.object({
    kind: v.literal('random_resized_crop'),
    size: v.number(),
    scale: v.tuple([v.number(), v.number()]),
    ratio: v.tuple([v.number(), v.number()]),
  }),
  v.object({ kind: v.literal('horizontal_flip'), p: v.number() }),
  v.object({ kind: v.literal('vertical_flip'), p: v.number() }),
  v.object({ kind: v.literal('color_jitter'), strength: v.number() }),
  v.object({ kind: v.literal('random_rotation'), degrees: v.number() }),
  v.object({ kind: v.literal('cutout'), size: v.number(), p: v.number() }),
  /** Mixes two samples of a batch and their labels with lambda ~ Beta(alpha, alpha) (Zhang et al. 2018). */
  v.object({ kind: v.literal('mixup'), alpha: v.number() }),
]);
export type Augment = v.InferOutput<typeof augmentSchema>;

/** So many samples, or a share of those there are. */
const sizeSchema = v.union([v.number(), v.object({ share: v.number() })]);

/** A pattern of files, and the folder that it starts from, whose own name is no part of it. */
const patternSchema = v.object({ folder: v.string(), pattern: v.string() });

/** Where samples come from; paths are absolute or relative to the folder of the source file. */
const dataSchema = v.object({
  name: v.string(),
  format: v.picklist(formatNames),
  path: v.optional(v.string()),
  images: v.optional(v.union([v.string(), patternSchema])),
  masks: v.optional(v.union([v.string(), patternSchema])),
  labels: v.optional(v.string()),
  classes: v.optional(v.number()),
  ignore: v.optional(v.number()),
  /** Values of a mask's pixels, in the order of their classes. */
  maskValues: v.optional(v.array(v.number())),
  /** Only the first so many samples of the training files; splits are drawn from them. */
  limit: v.optional(v.number()),
  /** Of `synthetic`: generated samples, their side in pixels and the seed of the generator. */
  samples: v.optional(v.number()),
  size: v.optional(v.number()),
  generatorSeed: v.optional(v.number()),
  split: v.object({
    train: v.optional(sizeSchema),
    val: v.optional(sizeSchema),
    test: v.optional(sizeSchema),
    seed: v.number(),
  }),
});
export type DataSpec = v.InferOutput<typeof dataSchema>;

const directionSchema = v.picklist(['min', 'max']);
export type Direction = v.InferOutput<typeof directionSchema>;

/** Keras's EarlyStopping; `monitor` is a metric such as `val.loss`, patience and start count epochs. */
const earlyStopSchema = v.object({
  monitor: v.string(),
  mode: directionSchema,
  patience: v.number(),
  minDelta: v.number(),
  baseline: v.optional(v.number()),
  startFromEpoch: v.number(),
  restoreBest: v.boolean(),
});
export type EarlyStopSettings = v.InferOutput<typeof earlyStopSchema>;

/** A host-side number that enters the step graph as an `f32[1, 1]` input. */
const scalarSchema = v.variant('kind', [
  v.object({ input: v.string(), kind: v.literal('lr') }),
  v.object({ input: v.string(), kind: v.literal('momentum') }),
  /** `1 - beta^t` at step t, counted from one. */
  v.object({ input: v.string(), kind: v.literal('biasCorrection'), beta: v.number() }),
  /** `1 / (1 + decay (t - 1))` at step t, counted from one. */
  v.object({ input: v.string(), kind: v.literal('inverseTime'), decay: v.number() }),
  /** The one input that is f32[1, 4]: step (low 24 bits), seed (low and high 16 bits), 0; for dropout masks. */
  v.object({ input: v.string(), kind: v.literal('rng') }),
]);
export type Scalar = v.InferOutput<typeof scalarSchema>;

export const recipeSchema = v.object({
  /** The directive's name. */
  name: v.string(),
  seed: v.number(),
  epochs: v.number(),
  /** Samples a step; an incomplete last batch of an epoch is left out, reshuffled with the rest in the next. */
  batch: v.number(),
  /** At most so many batches of each epoch, in training and in validation; for trials. */
  limitBatches: v.optional(v.number()),
  data: dataSchema,
  target: v.object({
    kind: v.picklist(['class', 'mask']),
    classes: v.number(),
    ignore: v.optional(v.number()),
    /** Of the classes, in the order of the scores, where they are known. */
    names: v.optional(v.array(v.string())),
  }),
  augment: v.array(augmentSchema),
  /** Settings before any schedule. */
  lr: v.number(),
  momentum: v.optional(v.number()),
  schedule: scheduleSchema,
  scalars: v.array(scalarSchema),
  /** Metrics measured on the validation split after each epoch, as `accuracy`; `loss` always is. */
  metrics: v.array(v.string()),
  earlyStop: v.optional(earlyStopSchema),
  checkpoint: v.object({
    every: timeSchema,
    keep: v.number(),
    best: v.object({ monitor: v.string(), mode: directionSchema }),
  }),
  onNan: v.variant('kind', [
    v.object({ kind: v.literal('stop') }),
    v.object({ kind: v.literal('rollback'), lrScale: v.number(), max: v.number() }),
  ]),
});
export type Recipe = v.InferOutput<typeof recipeSchema>;
