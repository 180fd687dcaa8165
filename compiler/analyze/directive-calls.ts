/** Tables of the calls that directives take: optimizers, schedules, losses, augmentations and preprocessing. */
import {
  bool,
  natural,
  positive,
  real,
  nonNegative,
  ratio,
  pixels,
  border,
  epochs,
  naturalEpochs,
  time,
  rate,
  metric,
  globs,
  number,
  list,
  two,
  required,
  optional,
  open,
  derived,
  within,
  choice,
  type Functions,
  type Time,
} from './directive-spec.ts';

const adamFields = (decay: string, fallback: number) => ({
  lr: optional(rate, 1e-3, 'learning rate'),
  beta1: optional(ratio, 0.9, 'decay of the mean'),
  beta2: optional(ratio, 0.999, 'decay of the mean square'),
  eps: optional(nonNegative, 1e-8, 'added to the denominator'),
  weight_decay: optional(nonNegative, fallback, decay),
});

export const optimizers = {
  sgd: {
    lr: required(rate, 'learning rate'),
    momentum: optional(ratio, 0, 'share of the last step that is kept'),
    dampening: optional(ratio, 0, 'share of the gradient left out of the momentum'),
    nesterov: optional(bool, false, 'look one step ahead'),
    weight_decay: optional(nonNegative, 0, 'L2 term added to the gradient'),
  },
  adam: adamFields('L2 term added to the gradient', 0),
  adamw: adamFields('decoupled decay of the weights', 0.01),
  rmsprop: {
    lr: optional(rate, 1e-2, 'learning rate'),
    alpha: optional(ratio, 0.99, 'decay of the mean square'),
    eps: optional(nonNegative, 1e-8, 'added to the denominator'),
    momentum: optional(ratio, 0, 'share of the last step that is kept'),
    centered: optional(bool, false, 'divide by the deviation instead of the root mean square'),
    weight_decay: optional(nonNegative, 0, 'L2 term added to the gradient'),
  },
  lion: {
    lr: optional(rate, 1e-4, 'learning rate'),
    beta1: optional(ratio, 0.9, 'share of the mean in the sign'),
    beta2: optional(ratio, 0.99, 'decay of the mean'),
    weight_decay: optional(nonNegative, 0, 'decoupled decay of the weights'),
  },
} satisfies Functions;

/** Losses fall, every other metric rises. */
export const directionOf = (monitor: string): 'min' | 'max' => (monitor.endsWith('loss') ? 'min' : 'max');

/** Which way a `monitor` beside it goes. */
export const direction = derived(
  choice('min', 'max'),
  'by the metric',
  ({ monitor }: { readonly monitor: string }) => directionOf(monitor),
  'direction of progress',
);

/** Consequences of times that the run never gets to. */
const drops = 'the rate never drops then';
const unfinished = 'the rate never reaches its end';

const warmup = {
  warmup: within(optional(time, { value: 0, unit: 'epochs' }, 'linear warm-up in front'), 'the rate is never reached'),
  warmup_start: optional(ratio, 0.01, 'share of the learning rate that the warm-up starts from'),
};
const unit = {
  unit: derived(
    choice('epoch', 'step'),
    'the unit of the times given, else `epoch`',
    (times: Readonly<Partial<Record<'warmup' | 'total' | 'tMax', Time | undefined>>>) =>
      [times.warmup, times.total, times.tMax].some((each) => each?.unit === 'steps') ? 'step' : 'epoch',
    'what it moves with',
  ),
};
const cycledMomentum = open(two(ratio), 'none', 'least and greatest momentum, cycled against the learning rate');
const rest = 'the run without warm-up';

export const schedules = {
  constant: { ...warmup },
  step: {
    every: within(required(time, 'time between drops'), drops),
    gamma: optional(ratio, 0.1, 'factor of a drop'),
    ...warmup,
  },
  multi_step: {
    at: within(required(list(time), 'times of the drops'), 'this drop never comes'),
    gamma: optional(ratio, 0.1, 'factor of a drop'),
    ...warmup,
  },
  exponential: { gamma: required(ratio, 'factor a unit'), ...unit, ...warmup },
  polynomial: {
    power: optional(nonNegative, 1, 'exponent of the share of the run that is left'),
    total: within(open(time, rest, 'time to the end'), unfinished, true),
    eta_min: optional(rate, 0, 'learning rate at the end'),
    ...unit,
    ...warmup,
  },
  cosine: {
    t_max: within(open(time, rest, 'half a period'), unfinished, true),
    eta_min: optional(rate, 0, 'learning rate at the end'),
    ...unit,
    ...warmup,
  },
  cosine_restarts: {
    period: within(required(time, 'time to the first restart'), 'the run ends before the first restart', true),
    mult: optional(positive, 1, 'growth of the period'),
    eta_min: optional(rate, 0, 'least learning rate'),
    ...warmup,
  },
  cyclic: {
    base: required(rate, 'least learning rate'),
    max: required(rate, 'greatest learning rate'),
    up: within(required(time, 'time of the rise'), 'the run ends before the rate has risen', true),
    down: derived(time, 'as the rise', ({ up }: { readonly up: Time }) => up, 'time of the fall'),
    mode: optional(choice('triangular', 'triangular2', 'exp_range'), 'triangular', 'shape of the cycles'),
    gamma: optional(ratio, 1, 'factor a unit of exp_range'),
    momentum: cycledMomentum,
  },
  one_cycle: {
    max: required(rate, 'greatest learning rate'),
    total: within(open(time, 'the run', 'length of the cycle'), unfinished, true),
    pct_start: optional(ratio, 0.3, 'share of the rise'),
    div: optional(nonNegative, 25, 'greatest over initial rate'),
    final_div: optional(nonNegative, 1e4, 'initial over final rate'),
    anneal: optional(choice('cos', 'linear'), 'cos', 'shape of rise and fall'),
    momentum: cycledMomentum,
    // One-cycle is defined by the step (Smith 2018), unless its length is asked for by the epoch.
    unit: optional(choice('epoch', 'step'), 'step', 'what it moves with'),
  },
  plateau: {
    monitor: optional(metric, 'val.loss', 'what must improve'),
    mode: direction,
    factor: optional(ratio, 0.1, 'factor of a drop'),
    patience: within(optional(epochs, 10, 'epochs without progress'), drops),
    threshold: optional(nonNegative, 1e-4, 'least change that counts'),
    threshold_mode: optional(choice('rel', 'abs'), 'rel', 'whether the threshold is a share of the best value'),
    cooldown: optional(naturalEpochs, 0, 'epochs of rest after a drop'),
    min_lr: optional(rate, 0, 'least learning rate'),
    ...warmup,
  },
} satisfies Functions;

const held = {
  value: required(nonNegative, 'factor'),
  except: optional(globs, [], 'parameters left out'),
};
export const regularizers = { l1: held, l2: held, weight_decay: held } satisfies Functions;

const chance = optional(ratio, 0.5, 'probability');

export const augmentations = {
  random_crop: {
    size: required(pixels, 'height and width'),
    pad: optional(border, 0, 'zero border added first'),
  },
  random_resized_crop: {
    size: required(pixels, 'height and width'),
    scale: optional(two(ratio), [0.08, 1], 'share of the area'),
    ratio: optional(two(nonNegative), [3 / 4, 4 / 3], 'width over height'),
  },
  horizontal_flip: { p: chance },
  vertical_flip: { p: chance },
  color_jitter: { strength: required(ratio, 'largest change of brightness, contrast and saturation') },
  random_rotation: { degrees: required(number({ least: 0, most: 180 }), 'largest angle') },
  cutout: {
    size: required(pixels, 'height and width of the hole'),
    p: optional(ratio, 1, 'probability'),
  },
  mixup: { alpha: optional(nonNegative, 0.2, 'both parameters of the Beta distribution of the shares') },
} satisfies Functions;

export const losses = {
  cross_entropy: {
    label_smoothing: optional(ratio, 0, 'weight of the uniform distribution'),
    ignore: open(natural, 'none', 'class without a loss'),
    class_weights: open(list(nonNegative), 'none', 'weight of each class'),
  },
  dice: { smooth: optional(nonNegative, 1, 'added to both sides of the quotient') },
  mse: {},
  l1: {},
  huber: { delta: optional(number({ least: 1e-12 }), 1, 'error from which on it grows linearly') },
  bce: { pos_weight: optional(nonNegative, 1, 'weight of the positive class') },
  kl_div: {},
} satisfies Functions;

const deviation = number({ least: 1e-12, help: 'it divides: write `1` for a channel that is not to be scaled' });

export const preprocessing = {
  resize: {
    size: required(pixels, 'the shorter side, or the width'),
    height: open(pixels, 'none', 'the height, where both sides are given'),
  },
  center_crop: { size: required(pixels, 'height and width') },
  normalize: {
    mean: required(list(real), 'subtracted from each channel of 0..1'),
    std: required(list(deviation), 'divides each channel'),
  },
} satisfies Functions;
