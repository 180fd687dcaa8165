/** The one table of directives: words, keys, types, units, ranges, defaults and what they mean. */
import type { Quantity } from '../../grammar/units.ts';

/** What a value may be. Numbers are compared with their ranges in base units (`grammar/units.ts`). */
export type Spec =
  | {
      readonly kind: 'number';
      readonly integer?: true;
      readonly least?: number;
      readonly most?: number;
      /** Units that may follow; a number without a unit is always taken, except where `bare` is false. */
      readonly units?: readonly Quantity[];
      readonly bare?: false;
    }
  | { readonly kind: 'bool' | 'string' | 'loss' | 'metric' | 'model' | 'globs' | 'sizes' }
  /** One of several bare names; a string does as well. */
  | { readonly kind: 'choice'; readonly names: readonly string[] }
  | { readonly kind: 'call'; readonly functions: Functions }
  | { readonly kind: 'list'; readonly of: Spec; readonly length?: number }
  | { readonly kind: 'pairs'; readonly of: Spec }
  /** The name of a directive with one of these words, with `.member` where members are listed. */
  | { readonly kind: 'reference'; readonly words: readonly string[]; readonly members?: readonly string[] }
  | { readonly kind: 'group'; readonly fields: Fields }
  | { readonly kind: 'items'; readonly functions: Functions };

export interface Field {
  readonly spec: Spec;
  readonly required?: true;
  /** As it would be written. */
  readonly default?: string;
  readonly doc: string;
}
export type Fields = Readonly<Record<string, Field>>;
/** Functions by name; their parameters in order. */
export type Functions = Readonly<Record<string, Fields>>;

export interface DirectiveSchema {
  readonly doc: string;
  readonly name: 'required' | 'optional' | 'none';
  /** What `for` names. */
  readonly target: 'model' | 'model or stage' | 'none';
  readonly fields: Fields;
  /** Calls that stand as entries of their own. */
  readonly items?: Functions;
  /** Whether entries are comparisons. */
  readonly constraints?: true;
}

const bool: Spec = { kind: 'bool' };
const text: Spec = { kind: 'string' };
const natural: Spec = { kind: 'number', integer: true, least: 0 };
const positive: Spec = { kind: 'number', integer: true, least: 1 };
const real: Spec = { kind: 'number' };
const nonNegative: Spec = { kind: 'number', least: 0 };
const ratio: Spec = { kind: 'number', least: 0, most: 1, units: ['ratio'] };
const pixels: Spec = { kind: 'number', integer: true, least: 1, units: ['pixels'] };
const border: Spec = { kind: 'number', integer: true, least: 0, units: ['pixels'] };
const epochs: Spec = { kind: 'number', integer: true, least: 1, units: ['epochs'] };
const naturalEpochs: Spec = { kind: 'number', integer: true, least: 0, units: ['epochs'] };
const time: Spec = { kind: 'number', least: 0, units: ['epochs', 'steps'] };
const rate: Spec = { kind: 'number', least: 0 };
/** Words of directives that make an artifact; they share their names. */
export const stageWords = ['train', 'prune', 'distill', 'quantize'] as const;

const required = (spec: Spec, doc: string): Field => ({ spec, required: true, doc });
const optional = (spec: Spec, fallback: string, doc: string): Field => ({ spec, default: fallback, doc });
const call = (functions: Functions): Spec => ({ kind: 'call', functions });
const choice = (...names: string[]): Spec => ({ kind: 'choice', names });
const stage = (...words: string[]): Spec => ({ kind: 'reference', words });

const optimizers: Functions = {
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
const schedules: Functions = {
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
    total: optional(time, 'the run', 'time to the end'),
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
    ...unit,
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

const regularizers: Functions = {
  l1: { value: required(nonNegative, 'factor'), except: optional({ kind: 'globs' }, '[]', 'parameters left out') },
  l2: { value: required(nonNegative, 'factor'), except: optional({ kind: 'globs' }, '[]', 'parameters left out') },
  weight_decay: {
    value: required(nonNegative, 'factor'),
    except: optional({ kind: 'globs' }, '[]', 'parameters left out'),
  },
};

const augmentations: Functions = {
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

const losses: Functions = {
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
export { losses as lossFunctions };

const preprocessing: Functions = {
  resize: {
    size: required(pixels, 'the shorter side, or the width'),
    height: optional(pixels, 'none', 'the height, where both sides are given'),
  },
  center_crop: { size: required(pixels, 'height and width') },
  normalize: {
    mean: required({ kind: 'list', of: real }, 'subtracted from each channel of 0..1'),
    std: required({ kind: 'list', of: { kind: 'number', least: 1e-12 } }, 'divides each channel'),
  },
};

const earlyStop: Fields = {
  monitor: required({ kind: 'metric' }, 'what must improve'),
  mode: optional(choice('min', 'max'), 'by the metric', 'direction of progress'),
  patience: optional(epochs, '10epochs', 'epochs without progress'),
  min_delta: optional({ kind: 'number', least: 0, units: ['ratio'] }, '0', 'least change that counts'),
  baseline: optional({ kind: 'number', units: ['ratio'] }, 'none', 'value that must be reached'),
  start_from_epoch: optional(natural, '0', 'epochs before watching'),
  restore_best: optional(bool, 'true', 'keep the best weights'),
};

const common: Fields = {
  data: { spec: { kind: 'reference', words: ['dataset'] }, doc: 'the dataset' },
  batch: optional(positive, '32', 'samples a step'),
  seed: optional(natural, '0', 'fixes initialisation, shuffling, augmentation and dropout'),
  epochs: optional(epochs, '1', 'passes over the training data'),
  optimizer: { spec: call(optimizers), doc: 'how gradients change weights' },
  schedule: { spec: call(schedules), doc: 'learning rate over time' },
  regularize: { spec: call(regularizers), doc: 'what holds weights down' },
  clip: {
    spec: call({
      norm: { value: required({ kind: 'number', least: 1e-12 }, 'largest norm of all gradients together') },
      value: { value: required({ kind: 'number', least: 1e-12 }, 'largest magnitude of a gradient') },
    }),
    default: 'none',
    doc: 'what holds gradients down',
  },
  ema: optional(ratio, 'none', 'decay of the moving average of the weights, which is what is evaluated and kept'),
  augment: { spec: { kind: 'items', functions: augmentations }, doc: 'random changes of training images' },
  metric: { spec: { kind: 'list', of: { kind: 'metric' } }, doc: 'what is measured after each epoch' },
  early_stop: { spec: { kind: 'group', fields: earlyStop }, doc: 'when to end before the last epoch' },
  checkpoint: {
    spec: {
      kind: 'group',
      fields: {
        every: optional(time, '1epochs', 'time between checkpoints'),
        keep: optional(positive, '1', 'checkpoints kept'),
        best: { spec: { kind: 'metric' }, doc: 'the metric whose best weights are kept' },
      },
    },
    doc: 'what is saved on the way',
  },
  on_nan: {
    spec: call({
      stop: {},
      rollback: {
        lr_scale: optional(ratio, '0.5', 'factor of the learning rate'),
        max: optional(positive, '3', 'rollbacks before stopping'),
      },
    }),
    default: 'stop',
    doc: 'what happens at a loss that is no number',
  },
};

const int8 = call({
  int8: {
    symmetric: optional(bool, 'true', 'zero point fixed at 0'),
    per: optional(choice('tensor', 'channel'), 'tensor', 'what shares a scale'),
  },
});

export const directiveSchemas: Readonly<Record<string, DirectiveSchema>> = {
  dataset: {
    doc: 'where samples come from',
    name: 'required',
    target: 'none',
    fields: {
      format: required(
        choice('cifar-binary', 'image-folder', 'image-mask-folder', 'idx', 'npy', 'npz', 'synthetic'),
        'how the files are laid out',
      ),
      path: { spec: text, doc: 'folder of the files' },
      images: { spec: text, doc: 'glob of the images' },
      masks: { spec: text, doc: 'glob of the masks' },
      labels: { spec: text, doc: 'file of the class names' },
      classes: { spec: positive, doc: 'number of classes' },
      ignore: { spec: natural, doc: 'class that counts for nothing' },
      limit: { spec: positive, doc: 'only the first so many samples, from which the parts are drawn' },
      samples: { spec: positive, doc: 'number of images that `synthetic` generates' },
      size: { spec: pixels, doc: 'height and width of the images that `synthetic` generates' },
      seed: optional(natural, '0', 'fixes the images that `synthetic` generates'),
      split: {
        spec: {
          kind: 'group',
          fields: {
            train: { spec: nonNegative, doc: 'samples for training' },
            val: { spec: nonNegative, doc: 'samples for validation' },
            test: { spec: nonNegative, doc: 'samples for the final test' },
            seed: optional(natural, '0', 'fixes the choice'),
          },
        },
        doc: 'sizes of the parts',
      },
    },
  },
  train: {
    doc: 'trains a model',
    name: 'required',
    target: 'model',
    fields: {
      ...common,
      from: { spec: stage(...stageWords), doc: 'the stage whose weights it starts with' },
      shape: { spec: { kind: 'sizes' }, doc: 'sizes of the symbols' },
      loss: required({ kind: 'loss' }, 'what is minimised'),
      data: required({ kind: 'reference', words: ['dataset'] }, 'the dataset'),
      optimizer: required(call(optimizers), 'how gradients change weights'),
    },
  },
  prune: {
    doc: 'removes channels or weights',
    name: 'required',
    target: 'model',
    fields: {
      ...common,
      from: required(stage(...stageWords), 'the stage whose weights it starts with'),
      structure: optional(choice('channel', 'weight'), 'channel', 'what is removed'),
      criterion: optional(
        call({
          l1_norm: { global: optional(bool, 'false', 'rank over all layers') },
          l2_norm: { global: optional(bool, 'false', 'rank over all layers') },
          taylor: { global: optional(bool, 'false', 'rank over all layers') },
          bn_scale: { global: optional(bool, 'false', 'rank over all layers') },
          random: { seed: optional(natural, '0', 'fixes the choice') },
        }),
        'l2_norm',
        'what makes a channel important',
      ),
      target: required(
        call({
          macs: { value: required({ kind: 'number', units: ['ratio', 'macs'] }, 'change, or the figure to reach') },
          params: { value: required({ kind: 'number', units: ['ratio', 'count'] }, 'change, or the figure to reach') },
          ratio: { value: required(ratio, 'share of the channels') },
        }),
        'how much is removed',
      ),
      skip: optional({ kind: 'globs' }, '[]', 'parameters left alone'),
      round_to: optional(positive, '1', 'channel counts are multiples of this'),
      max_ratio: optional(ratio, '1', 'largest share of one layer'),
      schedule: {
        spec: call({
          once: {},
          cubic: {
            begin: optional(time, '0epochs', 'first removal'),
            end: required(time, 'last removal'),
            every: optional(time, '1epochs', 'time between removals'),
          },
        }),
        doc: 'when it is removed',
      },
      finetune: { spec: { kind: 'group', fields: common }, doc: 'training afterwards' },
    },
  },
  distill: {
    doc: 'trains a model with a teacher',
    name: 'required',
    target: 'model',
    fields: {
      ...common,
      from: { spec: stage(...stageWords), doc: 'the stage whose weights it starts with' },
      teacher: required({ kind: 'model' }, 'the teacher and its weights'),
      temperature: optional({ kind: 'number', least: 1e-6 }, '4.0', 'softens both distributions'),
      alpha: optional(ratio, '0.9', 'weight of the teacher'),
    },
  },
  quantize: {
    doc: 'turns a model into int8',
    name: 'required',
    target: 'model',
    fields: {
      from: { spec: stage(...stageWords), doc: 'the stage whose weights it starts with' },
      weights: optional(int8, 'int8(symmetric=true, per=channel)', 'how weights are stored'),
      activations: optional(int8, 'int8(symmetric=false, per=tensor)', 'how values are stored'),
      calibrate: {
        spec: {
          kind: 'group',
          fields: {
            data: required(
              { kind: 'reference', words: ['dataset'], members: ['train', 'val', 'test'] },
              'samples to measure on',
            ),
            samples: optional(positive, '512', 'number of samples'),
            method: optional(
              call({ min_max: {}, percentile: { value: required(ratio, 'share kept') }, entropy: {}, mse: {} }),
              'min_max',
              'how ranges follow from samples',
            ),
          },
        },
        doc: 'how ranges are found',
      },
      keep_float: optional({ kind: 'globs' }, '[]', 'layers that stay in f32'),
      fold_bn: optional(bool, 'true', 'fold batch normalisation first'),
    },
  },
  weights: {
    doc: 'published weights of a model',
    name: 'required',
    target: 'model',
    fields: {
      file: required(text, 'a safetensors file'),
      strict: optional(bool, 'true', 'every parameter must be found, none left over'),
      rename: optional({ kind: 'pairs', of: text }, '[]', 'pairs (prefix, replacement) applied to names of the file'),
    },
  },
  preprocess: {
    doc: 'how an image becomes the input of a model',
    name: 'none',
    target: 'model',
    fields: { labels: { spec: text, doc: 'file of the class names, one a line' } },
    items: preprocessing,
  },
  budget: {
    doc: 'what a model must not exceed',
    name: 'none',
    target: 'model or stage',
    fields: { batch: optional(positive, '1', 'samples at once') },
    constraints: true,
  },
};

/** Names behind `val.`, `train.` and `test.`, and alone. */
export const metricNames = ['accuracy', 'top5_accuracy', 'loss', 'mean_iou', 'pixel_accuracy', 'dice'] as const;
export const splitNames = ['train', 'val', 'test'] as const;
