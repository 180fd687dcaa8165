/** The one table of directives: words, keys, types, units, ranges, defaults and what they mean. */
import { formatNames } from '../../../runtime/train/data-formats.ts';
import { syntheticDefaults } from '../../../runtime/train/synthetic-defaults.ts';
import { augmentations } from '../tables/augmentations.ts';
import { losses } from '../tables/losses.ts';
import { optimizers } from '../tables/optimizers.ts';
import { preprocessing } from '../tables/preprocessing.ts';
import { direction, schedules } from '../tables/schedules.ts';
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
  metric,
  globs,
  sizes,
  model,
  number,
  figure,
  list,
  pairs,
  items,
  sum,
  required,
  optional,
  open,
  derived,
  calling,
  always,
  call,
  choice,
  group,
  reference,
  within,
  type DirectiveSchema,
  type Fields,
  type Functions,
} from './directive-spec.ts';

export { losses as lossFunctions } from '../tables/losses.ts';
export type { DirectiveSchema, Fields, Functions, Spec } from './directive-spec.ts';

/** Words of directives that make an artifact; they share their names. */
export const stageWords = ['train', 'prune', 'distill', 'quantize'] as const;

export const earlyStopFields = {
  monitor: required(metric, 'what must improve'),
  mode: direction,
  patience: optional(epochs, 10, 'epochs without progress'),
  min_delta: optional(number({ least: 0, units: ['ratio'] }), 0, 'least change that counts'),
  baseline: open(number({ units: ['ratio'] }), 'none', 'value that must be reached'),
  start_from_epoch: optional(natural, 0, 'epochs before watching'),
  restore_best: optional(bool, true, 'keep the best weights'),
} satisfies Fields;

export const checkpointFields = {
  every: within(
    optional(time, { value: 1, unit: 'epochs' }, 'time between checkpoints'),
    'no checkpoint is written on the way',
    true,
  ),
  keep: optional(positive, 1, 'checkpoints kept'),
  best: open(
    metric,
    'what `early_stop` watches, else accuracy, or mean_iou of masks',
    'the metric whose best weights are kept',
  ),
} satisfies Fields;

const dataset = reference(['dataset']);
const optimizer = call(optimizers);

const held = {
  value: required(nonNegative, 'factor'),
  except: optional(globs, [], 'parameters left out'),
};
const regularizers = { l1: held, l2: held, weight_decay: held } satisfies Functions;

/** Settings that every training takes, be it a directive or the `finetune` of one. */
export const trainingFields = {
  data: open(dataset, 'none', 'the dataset'),
  batch: optional(positive, 32, 'samples a step'),
  seed: optional(natural, 0, 'fixes initialisation, shuffling, augmentation and dropout'),
  epochs: optional(epochs, 1, 'passes over the training data'),
  optimizer: open(optimizer, 'none', 'how gradients change weights'),
  schedule: calling(schedules, 'constant', 'learning rate over time'),
  regularize: open(call(regularizers), 'none', 'what holds weights down'),
  clip: open(
    call({
      norm: { value: required(number({ least: 1e-12 }), 'largest norm of all gradients together') },
      value: { value: required(number({ least: 1e-12 }), 'largest magnitude of a gradient') },
    }),
    'none',
    'what holds gradients down',
  ),
  ema: open(ratio, 'none', 'decay of the moving average of the weights, which is what is evaluated and kept'),
  augment: derived(items(augmentations), 'none', () => [], 'random changes of training images'),
  metric: open(list(metric), 'accuracy, or mean_iou of masks', 'what is measured after each epoch'),
  early_stop: open(group(earlyStopFields), 'none', 'when to end before the last epoch'),
  checkpoint: always(checkpointFields, 'what is saved on the way'),
  recompute: open(
    call({
      auto: {},
      segments: { count: required(number({ integer: true, least: 2 }), 'most segments that the model is cut into') },
      memory: { limit: required(number({ least: 1, units: ['bytes'] }), "most memory of a step's values") },
    }),
    'none',
    'saves memory: values of the forward pass that the backward pass computes again instead of finding them kept',
  ),
  on_nan: calling(
    {
      stop: {},
      rollback: {
        lr_scale: optional(ratio, 0.5, 'factor of the learning rate'),
        max: optional(positive, 3, 'rollbacks before stopping'),
      },
    },
    'stop',
    'what happens at a loss that is no number',
  ),
} satisfies Fields;

/** What a stage says of its model besides. */
const stage = {
  from: open(reference(stageWords), 'none', 'the stage whose weights it starts with'),
  shape: derived(sizes, 'none', () => ({}), 'sizes of the symbols'),
};

/** What a training reads, wherever each stands: of some directives, and of the stages that they start from. */
export const learningFields = {
  ...trainingFields,
  shape: stage.shape,
  loss: open(sum(losses), 'cross_entropy, or bce for one score', 'what is minimised'),
} satisfies Fields;

const acrossLayers = optional(bool, false, 'one ranking over all layers');

export const graduallyFields = {
  begin: optional(time, { value: 0, unit: 'epochs' }, 'first removal'),
  end: within(required(time, 'last removal'), 'nothing is trained after the last removal', true),
  every: optional(time, { value: 1, unit: 'epochs' }, 'time between removals'),
};

const partOfData = reference(['dataset'], ['train', 'val', 'test']);
const finetune = (doc: string) => open(group(trainingFields), 'none', doc);

/** `int8` has defaults of its own wherever it stands. */
const int8 = (symmetric: boolean, per: 'tensor' | 'channel') => ({
  int8: {
    symmetric: optional(bool, symmetric, 'zero point fixed at 0'),
    per: optional(choice('tensor', 'channel'), per, 'what shares a scale'),
  },
});

const tenth = 'a tenth where no part is named, or what lies apart';

export const directives = {
  dataset: {
    doc: 'where samples come from',
    name: 'required',
    target: 'none',
    fields: {
      format: required(choice(...formatNames), 'how the files are laid out'),
      path: open(text, 'none', 'folder of the files'),
      images: open(text, 'none', 'glob of the images, or a folder'),
      masks: open(text, 'none', 'glob of the masks, or a folder'),
      labels: open(
        text,
        'none',
        'file of the class names, one a line in the order of their numbers; folders count in order of name, whatever the order here; or a file of the labels',
      ),
      classes: open(
        positive,
        `the number of scores (2 for one), of \`synthetic\` ${syntheticDefaults.classes}`,
        'number of classes',
      ),
      ignore: open(natural, 'none', 'class that counts for nothing'),
      mask_values: open(
        list(natural),
        '0, 1, 2, ...',
        'values of the pixels of masks, in the order of their classes, where they are not 0, 1, 2, ...',
      ),
      limit: open(positive, 'all', 'only the first so many samples, from which the parts are drawn'),
      // The runtime fills these in: it makes the pictures of data that has no directive as well.
      samples: open(positive, String(syntheticDefaults.samples), 'number of images that `synthetic` generates'),
      size: open(pixels, `${syntheticDefaults.size}px`, 'height and width of the images that `synthetic` generates'),
      seed: open(natural, String(syntheticDefaults.seed), 'fixes the images that `synthetic` generates'),
      split: always(
        {
          train: open(numberOrShare, 'what is left', 'samples for training, or their share'),
          val: open(numberOrShare, tenth, 'samples for validation, or their share'),
          test: open(numberOrShare, tenth, 'samples for the final test, or their share'),
          seed: optional(natural, 0, 'fixes the choice'),
        },
        'sizes of the parts',
      ),
    },
  },
  train: {
    doc: 'trains a model',
    name: 'required',
    target: 'model',
    fields: {
      ...trainingFields,
      ...stage,
      loss: required(sum(losses), 'what is minimised'),
      data: required(dataset, 'the dataset'),
      optimizer: required(optimizer, 'how gradients change weights'),
    },
  },
  prune: {
    doc: 'removes channels or weights',
    name: 'required',
    target: 'model',
    fields: {
      ...trainingFields,
      ...stage,
      structure: optional(choice('channel', 'weight'), 'channel', 'what is removed: whole channels, or single weights'),
      criterion: calling(
        {
          l1_norm: { global: acrossLayers },
          l2_norm: { global: acrossLayers },
          taylor: {
            global: acrossLayers,
            samples: optional(positive, 512, 'samples of training data that the gradients are of'),
          },
          bn_scale: { global: acrossLayers },
          random: { seed: optional(natural, 0, 'fixes the choice') },
        },
        'l2_norm',
        'what makes a channel or weight important',
      ),
      target: required(
        call({
          macs: { value: required(figure('ratio', 'macs'), 'change, or the figure to reach') },
          params: { value: required(figure('ratio', 'count'), 'change, or the figure to reach') },
          ratio: { value: required(ratio, 'share of the channels or weights that goes') },
        }),
        'how much is removed',
      ),
      skip: optional(globs, [], 'parameters whose layers keep all their outputs, or their weights'),
      round_to: optional(positive, 1, 'channel counts that change become multiples of this'),
      max_ratio: optional(ratio, 1, 'largest share that one layer may lose'),
      schedule: calling(
        { once: {}, linear: graduallyFields, cubic: graduallyFields },
        'once',
        'when it is removed; what is gradual begins fast (cubic) or goes evenly (linear), during the finetuning',
      ),
      bn_reestimate: always(
        {
          data: open(partOfData, 'the training data', 'samples to measure on'),
          samples: optional(natural, 1024, 'number of samples; 0 keeps the statistics of before'),
        },
        'how the running statistics of batch norms are measured again after the last removal',
      ),
      finetune: finetune('training afterwards'),
    },
  },
  distill: {
    doc: 'trains a model with a teacher',
    name: 'required',
    target: 'model',
    fields: {
      ...trainingFields,
      ...stage,
      teacher: required(model, 'the teacher and its weights, or the stage that makes it'),
      temperature: optional(number({ least: 1e-6 }), 4, 'softens both distributions'),
      alpha: optional(ratio, 0.9, 'weight of the teacher; the labels have the rest'),
      loss: open(sum(losses), 'cross_entropy, or bce for one score', 'what is minimised of the labels'),
      hints: optional(
        pairs(text),
        [],
        'pairs of layers or blocks, of the student and of the teacher, whose outputs are brought together too',
      ),
      hint_weight: optional(nonNegative, 1, 'factor of the mean squared difference of each pair'),
    },
  },
  quantize: {
    doc: 'turns a model into int8',
    name: 'required',
    target: 'model',
    fields: {
      from: stage.from,
      weights: calling(int8(true, 'channel'), 'int8', 'how weights are stored; always symmetric'),
      activations: calling(int8(false, 'tensor'), 'int8', 'how values are stored; always per tensor'),
      calibrate: open(
        group({
          data: required(partOfData, 'samples to measure on'),
          samples: optional(positive, 512, 'number of samples'),
          method: calling(
            { min_max: {}, percentile: { value: required(ratio, 'share kept') }, entropy: {}, mse: {} },
            'min_max',
            'how ranges follow from samples',
          ),
        }),
        'none',
        'how ranges are found',
      ),
      keep_float: optional(globs, [], 'layers that stay in f32'),
      fold_bn: optional(bool, true, 'fold batch normalisation first; int8 needs it'),
      equalize: optional(bool, false, 'scale channels between layers so that their ranges are alike'),
      correct_bias: optional(bool, false, 'let biases take up the mean error of rounded weights'),
      accuracy_drop: open(
        ratio,
        'any',
        'accuracy that int8 may lose on the samples measured: the most sensitive layers stay in f32 until it holds',
      ),
      finetune: finetune(
        'training afterwards that rounds in the forward pass as int8 will (quantization-aware training)',
      ),
    },
  },
  weights: {
    doc: 'published weights of a model',
    name: 'required',
    target: 'model',
    fields: {
      file: required(text, 'a safetensors file'),
      strict: optional(bool, true, 'false passes over tensors that the model has not; none may be missing'),
      rename: optional(pairs(text), [], 'pairs (prefix, replacement) applied to names of the file'),
    },
  },
  preprocess: {
    doc: 'how an image becomes the input of a model',
    name: 'none',
    target: 'model',
    fields: {
      labels: open(
        text,
        'none',
        'file of the class names, one a line in the order of the scores; data is matched to them by name',
      ),
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
    fields: { batch: optional(positive, 1, 'samples at once') },
    constraints: true,
  },
} as const satisfies Record<string, DirectiveSchema>;

/** The same by any word. */
export const directiveSchemas: Readonly<Record<string, DirectiveSchema>> = { ...directives };

/** Names behind `val.`, `train.` and `test.`, and alone. */
export const metricNames = ['accuracy', 'top5_accuracy', 'loss', 'mean_iou', 'pixel_accuracy', 'dice'] as const;
export const splitNames = ['train', 'val', 'test'] as const;
