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
  required,
  optional,
  choice,
  type Fields,
  type Functions,
  type Spec,
} from './directive-spec.ts';

export const optimizers: Functions = {
  sgd: {
    lr: required(rate, 'learning rate'),
    momentum: optional(ratio, '0', 'share of the last step that is kept'),
    dampening: optional(ratio, '0', 'share of the gradient left out of the momentum'),
    nesterov: optional(bool, 'false', 'look one step ahead'),
    weight_decay: optional(nonNegative, '0', 'L2 term added to the gradient'),
  },
  adam: adamFields('L2 term added to the gradient', '0'),
  adamw: adamFields('decoupled decay of the weights', '0.01'),
  rmsprop: {
    lr: optional(rate, '1e-2', 'learning rate'),
    alpha: optional(ratio, '0.99', 'decay of the mean square'),
    eps: optional(nonNegative, '1e-8', 'added to the denominator'),
    momentum: optional(ratio, '0', 'share of the last step that is kept'),
    centered: optional(bool, 'false', 'divide by the deviation instead of the root mean square'),
    weight_decay: optional(nonNegative, '0', 'L2 term added to the gradient'),
  },
  lion: {
    lr: optional(rate, '1e-4', 'learning rate'),
    beta1: optional(ratio, '0.9', 'share of the mean in the sign'),
    beta2: optional(ratio, '0.99', 'decay of the mean'),
    weight_decay: optional(nonNegative, '0', 'decoupled decay of the weights'),
  },
};

function adamFields(decay: string, fallback: string): Fields {
  return {
    lr: optional(rate, '1e-3', 'learning rate'),
    beta1: optional(ratio, '0.9', 'decay of the mean'),
    beta2: optional(ratio, '0.999', 'decay of the mean square'),
    eps: optional(nonNegative, '1e-8', 'added to the denominator'),
    weight_decay: optional(nonNegative, fallback, decay),
  };
}

const warmup = {
  warmup: optional(time, '0epochs', 'linear warm-up in front'),
  warmup_start: optional(ratio, '0.01', 'share of the learning rate that the warm-up starts from'),
};
const unit = {
  unit: optional(choice('epoch', 'step'), "the unit of the times given, else 'epoch'", 'what it moves with'),
};
const cycledMomentum = optional(
  { kind: 'list', of: ratio, length: 2 },
  'none',
  'least and greatest momentum, cycled against the learning rate',
);
export const schedules: Functions = {
  constant: { ...warmup },
  step: { every: required(time, 'time between drops'), gamma: optional(ratio, '0.1', 'factor of a drop'), ...warmup },
  multi_step: {
    at: required({ kind: 'list', of: time }, 'times of the drops'),
    gamma: optional(ratio, '0.1', 'factor of a drop'),
    ...warmup,
  },
  exponential: { gamma: required(ratio, 'factor a unit'), ...unit, ...warmup },
  polynomial: {
    power: optional(nonNegative, '1', 'exponent of the share of the run that is left'),
    total: optional(time, 'the run without warm-up', 'time to the end'),
    eta_min: optional(rate, '0', 'learning rate at the end'),
    ...unit,
    ...warmup,
  },
  cosine: {
    t_max: optional(time, 'the run without warm-up', 'half a period'),
    eta_min: optional(rate, '0', 'learning rate at the end'),
    ...unit,
    ...warmup,
  },
  cosine_restarts: {
    period: required(time, 'time to the first restart'),
    mult: optional(positive, '1', 'growth of the period'),
    eta_min: optional(rate, '0', 'least learning rate'),
    ...warmup,
  },
  cyclic: {
    base: required(rate, 'least learning rate'),
    max: required(rate, 'greatest learning rate'),
    up: required(time, 'time of the rise'),
    down: optional(time, 'as the rise', 'time of the fall'),
    mode: optional(choice('triangular', 'triangular2', 'exp_range'), 'triangular', 'shape of the cycles'),
    gamma: optional(ratio, '1', 'factor a unit of exp_range'),
    momentum: cycledMomentum,
  },
  one_cycle: {
    max: required(rate, 'greatest learning rate'),
    total: optional(time, 'the run', 'length of the cycle'),
    pct_start: optional(ratio, '0.3', 'share of the rise'),
    div: optional(nonNegative, '25', 'greatest over initial rate'),
    final_div: optional(nonNegative, '1e4', 'initial over final rate'),
    anneal: optional(choice('cos', 'linear'), 'cos', 'shape of rise and fall'),
    momentum: cycledMomentum,
    unit: optional(choice('epoch', 'step'), 'step', 'what it moves with'),
  },
  plateau: {
    monitor: optional({ kind: 'metric' }, 'val.loss', 'what must improve'),
    mode: optional(choice('min', 'max'), 'by the metric', 'direction of progress'),
    factor: optional(ratio, '0.1', 'factor of a drop'),
    patience: optional(epochs, '10epochs', 'epochs without progress'),
    threshold: optional(nonNegative, '1e-4', 'least change that counts'),
    threshold_mode: optional(choice('rel', 'abs'), 'rel', 'whether the threshold is a share of the best value'),
    cooldown: optional(naturalEpochs, '0epochs', 'epochs of rest after a drop'),
    min_lr: optional(rate, '0', 'least learning rate'),
    ...warmup,
  },
};

export const regularizers: Functions = {
  l1: { value: required(nonNegative, 'factor'), except: optional({ kind: 'globs' }, '[]', 'parameters left out') },
  l2: { value: required(nonNegative, 'factor'), except: optional({ kind: 'globs' }, '[]', 'parameters left out') },
  weight_decay: {
    value: required(nonNegative, 'factor'),
    except: optional({ kind: 'globs' }, '[]', 'parameters left out'),
  },
};

export const augmentations: Functions = {
  random_crop: {
    size: required(pixels, 'height and width'),
    pad: optional(border, '0px', 'zero border added first'),
  },
  random_resized_crop: {
    size: required(pixels, 'height and width'),
    scale: optional({ kind: 'list', of: ratio, length: 2 }, '[0.08, 1.0]', 'share of the area'),
    ratio: optional({ kind: 'list', of: nonNegative, length: 2 }, '[0.75, 1.3333]', 'width over height'),
  },
  horizontal_flip: { p: optional(ratio, '50%', 'probability') },
  vertical_flip: { p: optional(ratio, '50%', 'probability') },
  color_jitter: { strength: required(ratio, 'largest change of brightness, contrast and saturation') },
  random_rotation: { degrees: required({ kind: 'number', least: 0, most: 180 }, 'largest angle') },
  cutout: {
    size: required(pixels, 'height and width of the hole'),
    p: optional(ratio, '100%', 'probability'),
  },
  mixup: { alpha: optional(nonNegative, '0.2', 'both parameters of the Beta distribution of the shares') },
};

export const losses: Functions = {
  cross_entropy: {
    label_smoothing: optional(ratio, '0', 'weight of the uniform distribution'),
    ignore: optional(natural, 'none', 'class without a loss'),
    class_weights: optional({ kind: 'list', of: nonNegative }, 'none', 'weight of each class'),
  },
  dice: { smooth: optional(nonNegative, '1', 'added to both sides of the quotient') },
  mse: {},
  l1: {},
  huber: { delta: optional({ kind: 'number', least: 1e-12 }, '1', 'error from which on it grows linearly') },
  bce: { pos_weight: optional(nonNegative, '1', 'weight of the positive class') },
  kl_div: {},
};

const deviation: Spec = {
  kind: 'number',
  least: 1e-12,
  help: 'it divides: write `1` for a channel that is not to be scaled',
};

export const preprocessing: Functions = {
  resize: {
    size: required(pixels, 'the shorter side, or the width'),
    height: optional(pixels, 'none', 'the height, where both sides are given'),
  },
  center_crop: { size: required(pixels, 'height and width') },
  normalize: {
    mean: required({ kind: 'list', of: real }, 'subtracted from each channel of 0..1'),
    std: required({ kind: 'list', of: deviation }, 'divides each channel'),
  },
};
