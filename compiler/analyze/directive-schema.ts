/** The one table of directives: words, keys, types, units, ranges, defaults and what they mean. */
import { optimizers, schedules, regularizers, augmentations, preprocessing } from './directive-calls.ts';
import {
  bool,
  text,
  natural,
  positive,
  nonNegative,
  numberOrShare,
  ratio,
  pixels,
  epochs,
  time,
  required,
  optional,
  call,
  choice,
  stage,
  type DirectiveSchema,
  type Fields,
} from './directive-spec.ts';

export { losses as lossFunctions } from './directive-calls.ts';
export type { DirectiveSchema, Fields, Functions, Spec } from './directive-spec.ts';

/** Words of directives that make an artifact; they share their names. */
export const stageWords = ['train', 'prune', 'distill', 'quantize'] as const;

const earlyStop: Fields = {
  monitor: required({ kind: 'metric' }, 'what must improve'),
  mode: optional(choice('min', 'max'), 'by the metric', 'direction of progress'),
  patience: optional(epochs, '10epochs', 'epochs without progress'),
  min_delta: optional({ kind: 'number', least: 0, units: ['ratio'] }, '0', 'least change that counts'),
  baseline: optional({ kind: 'number', units: ['ratio'] }, 'none', 'value that must be reached'),
  start_from_epoch: optional(natural, '0', 'epochs before watching'),
  restore_best: optional(bool, 'true', 'keep the best weights'),
};

/** Settings that every training takes, be it a directive or the `finetune` of one. */
export const trainingFields: Fields = {
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
  recompute: {
    spec: call({
      auto: {},
      segments: {
        count: required({ kind: 'number', integer: true, least: 2 }, 'most segments that the model is cut into'),
      },
      memory: { limit: required({ kind: 'number', least: 1, units: ['bytes'] }, "most memory of a step's values") },
    }),
    default: 'none',
    doc: 'saves memory: values of the forward pass that the backward pass computes again instead of finding them kept',
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

const acrossLayers = optional(bool, 'false', 'one ranking over all layers');

const gradually: Fields = {
  begin: optional(time, '0epochs', 'first removal'),
  end: required(time, 'last removal'),
  every: optional(time, '1epochs', 'time between removals'),
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
      images: { spec: text, doc: 'glob of the images, or a folder' },
      masks: { spec: text, doc: 'glob of the masks, or a folder' },
      labels: {
        spec: text,
        doc: 'file of the class names, one a line in the order of their numbers; folders count in order of name, whatever the order here; or a file of the labels',
      },
      classes: { spec: positive, doc: 'number of classes' },
      ignore: { spec: natural, doc: 'class that counts for nothing' },
      mask_values: {
        spec: { kind: 'list', of: natural },
        doc: 'values of the pixels of masks, in the order of their classes, where they are not 0, 1, 2, ...',
      },
      limit: { spec: positive, doc: 'only the first so many samples, from which the parts are drawn' },
      samples: { spec: positive, doc: 'number of images that `synthetic` generates' },
      size: { spec: pixels, doc: 'height and width of the images that `synthetic` generates' },
      seed: optional(natural, '0', 'fixes the images that `synthetic` generates'),
      split: {
        spec: {
          kind: 'group',
          fields: {
            train: { spec: numberOrShare, doc: 'samples for training, or their share' },
            val: { spec: numberOrShare, doc: 'samples for validation, or their share' },
            test: { spec: numberOrShare, doc: 'samples for the final test, or their share' },
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
      ...trainingFields,
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
      ...trainingFields,
      from: { spec: stage(...stageWords), doc: 'the stage whose weights it starts with' },
      shape: { spec: { kind: 'sizes' }, doc: 'sizes of the symbols' },
      structure: optional(choice('channel', 'weight'), 'channel', 'what is removed: whole channels, or single weights'),
      criterion: optional(
        call({
          l1_norm: { global: acrossLayers },
          l2_norm: { global: acrossLayers },
          taylor: {
            global: acrossLayers,
            samples: optional(positive, '512', 'samples of training data that the gradients are of'),
          },
          bn_scale: { global: acrossLayers },
          random: { seed: optional(natural, '0', 'fixes the choice') },
        }),
        'l2_norm',
        'what makes a channel or weight important',
      ),
      target: required(
        call({
          macs: { value: required({ kind: 'number', units: ['ratio', 'macs'] }, 'change, or the figure to reach') },
          params: { value: required({ kind: 'number', units: ['ratio', 'count'] }, 'change, or the figure to reach') },
          ratio: { value: required(ratio, 'share of the channels or weights that goes') },
        }),
        'how much is removed',
      ),
      skip: optional({ kind: 'globs' }, '[]', 'parameters whose layers keep all their outputs, or their weights'),
      round_to: optional(positive, '1', 'channel counts that change become multiples of this'),
      max_ratio: optional(ratio, '1', 'largest share that one layer may lose'),
      schedule: optional(
        call({ once: {}, linear: gradually, cubic: gradually }),
        'once',
        'when it is removed; what is gradual begins fast (cubic) or goes evenly (linear), during the finetuning',
      ),
      bn_reestimate: {
        spec: {
          kind: 'group',
          fields: {
            data: {
              spec: { kind: 'reference', words: ['dataset'], members: ['train', 'val', 'test'] },
              default: 'the training data',
              doc: 'samples to measure on',
            },
            samples: optional(natural, '1024', 'number of samples; 0 keeps the statistics of before'),
          },
        },
        doc: 'how the running statistics of batch norms are measured again after the last removal',
      },
      finetune: { spec: { kind: 'group', fields: trainingFields }, doc: 'training afterwards' },
    },
  },
  distill: {
    doc: 'trains a model with a teacher',
    name: 'required',
    target: 'model',
    fields: {
      ...trainingFields,
      from: { spec: stage(...stageWords), doc: 'the stage whose weights it starts with' },
      teacher: required({ kind: 'model' }, 'the teacher and its weights, or the stage that makes it'),
      temperature: optional({ kind: 'number', least: 1e-6 }, '4.0', 'softens both distributions'),
      alpha: optional(ratio, '0.9', 'weight of the teacher; the labels have the rest'),
      loss: optional({ kind: 'loss' }, 'cross_entropy()', 'what is minimised of the labels'),
      hints: optional(
        { kind: 'pairs', of: text },
        '[]',
        'pairs of layers or blocks, of the student and of the teacher, whose outputs are brought together too',
      ),
      hint_weight: optional(nonNegative, '1', 'factor of the mean squared difference of each pair'),
    },
  },
  quantize: {
    doc: 'turns a model into int8',
    name: 'required',
    target: 'model',
    fields: {
      from: { spec: stage(...stageWords), doc: 'the stage whose weights it starts with' },
      weights: optional(int8, 'int8(symmetric=true, per=channel)', 'how weights are stored; always symmetric'),
      activations: optional(int8, 'int8(symmetric=false, per=tensor)', 'how values are stored; always per tensor'),
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
      fold_bn: optional(bool, 'true', 'fold batch normalisation first; int8 needs it'),
      equalize: optional(bool, 'false', 'scale channels between layers so that their ranges are alike'),
      correct_bias: optional(bool, 'false', 'let biases take up the mean error of rounded weights'),
      accuracy_drop: {
        spec: ratio,
        default: 'any',
        doc: 'accuracy that int8 may lose on the samples measured: the most sensitive layers stay in f32 until it holds',
      },
      finetune: {
        spec: { kind: 'group', fields: trainingFields },
        doc: 'training afterwards that rounds in the forward pass as int8 will (quantization-aware training)',
      },
    },
  },
  weights: {
    doc: 'published weights of a model',
    name: 'required',
    target: 'model',
    fields: {
      file: required(text, 'a safetensors file'),
      strict: optional(bool, 'true', 'false passes over tensors that the model has not; none may be missing'),
      rename: optional({ kind: 'pairs', of: text }, '[]', 'pairs (prefix, replacement) applied to names of the file'),
    },
  },
  preprocess: {
    doc: 'how an image becomes the input of a model',
    name: 'none',
    target: 'model',
    fields: {
      labels: {
        spec: text,
        doc: 'file of the class names, one a line in the order of the scores; data is matched to them by name',
      },
      orientation: optional(
        choice('exif', 'ignore'),
        'exif',
        'whether pictures are turned as their EXIF orientation says, which is as people see them',
      ),
      alpha: optional(
        choice('white', 'black', 'drop'),
        'white',
        'what shows below transparent pixels; `drop` takes their colours as they are stored',
      ),
      channels: optional(choice('rgb', 'bgr'), 'rgb', "order of a colour picture's channels, also in `normalize`"),
      scale: optional(choice('unit', 'bytes'), 'unit', 'values before `normalize`: 0 to 1, or 0 to 255'),
    },
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
