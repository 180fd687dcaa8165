/** Keys, words, metrics and arguments of other frameworks. */
import { called, missing, type Foreign } from './entry.ts';

/** Keys of directives: each `here` is an entry of `train`. */
export const keys: readonly Foreign[] = [
  called('lr learning_rate initial_lr', 'optimizer = sgd(lr=0.1)', 'the rate belongs to the optimizer'),
  called('momentum', 'optimizer = sgd(lr=0.1, momentum=0.9)', 'it belongs to the optimizer'),
  called('weight_decay wd', 'optimizer = adamw(lr=1e-3, weight_decay=0.01)', 'it belongs to the optimizer'),
  called('betas', 'optimizer = adam(lr=1e-3, beta1=0.9, beta2=0.999)', 'they belong to the optimizer'),
  called('nesterov', 'optimizer = sgd(lr=0.1, momentum=0.9, nesterov=true)', 'it belongs to the optimizer'),
  called(
    'label_smoothing class_weight class_weights',
    'loss = cross_entropy(label_smoothing=0.1)',
    'it belongs to the loss',
  ),
  called('ignore_index', 'loss = cross_entropy(ignore=255)', 'it belongs to the loss, or as `ignore` to the dataset'),
  called('batch_size batchsize train_batch_size', 'batch = 32'),
  called('num_epochs n_epochs max_epochs nepochs', 'epochs = 10'),
  called('scheduler lr_scheduler lr_schedule', 'schedule = cosine()'),
  called('warmup warmup_epochs warmup_steps', 'schedule = cosine(warmup=1epochs)', 'it belongs to the schedule'),
  called('criterion loss_fn objective', 'loss = cross_entropy()'),
  called(
    'transform transforms augmentation augmentations',
    'augment { horizontal_flip() }',
    'what is done to every picture stands in `preprocess for Model { ... }`',
  ),
  called('metrics', 'metric = [val.accuracy]'),
  called('early_stopping EarlyStopping', 'early_stop { monitor = val.loss  patience = 2epochs }'),
  called('checkpoints ModelCheckpoint save_every', 'checkpoint { best = val.accuracy }'),
  called('clip_grad_norm max_grad_norm grad_clip gradient_clip_val clipnorm clip_norm', 'clip = norm(1.0)'),
  called('clip_grad_value clipvalue clip_value', 'clip = value(1.0)'),
  called('random_seed random_state manual_seed', 'seed = 1'),
  called('ema_decay model_ema', 'ema = 0.999'),
  called('gradient_checkpointing', 'recompute = auto()'),
  called('dataset train_data train_loader trainset', 'data = d'),
  missing('shuffle', 'leave it out: training data is shuffled in every epoch, and no other'),
  missing(
    'device gpu cuda amp fp16 precision num_workers pin_memory',
    'leave it out: the device is chosen by `--adapter`, and everything runs in 32 bits',
  ),
  missing(
    'steps_per_epoch drop_last',
    'leave it out: an epoch goes through all samples, less an incomplete last batch',
  ),
  missing('validation_split val_split validation_data', 'parts belong to the dataset: `split { val = 20% }`'),
  missing(
    'accumulate gradient_accumulation_steps accum_iter',
    'gradients are not added up over batches; `recompute = auto()` makes room for larger ones',
  ),
  missing('callbacks', 'there are `early_stop { ... }`, `checkpoint { ... }` and `schedule = ...`'),
  missing('freeze frozen requires_grad trainable', 'layers cannot be kept from training yet'),
  missing('resume', 'leave it out: `cnnc train --resume` goes on'),
];

/** Keys of `dataset`: each `here` is an entry of it. */
export const datasetKeys: readonly Foreign[] = [
  called('root root_dir folder directory dir data_dir', 'path = "pictures"'),
  called('num_classes n_classes', 'classes = 10'),
  called('ignore_index', 'ignore = 255'),
  called('class_names names', 'labels = "labels.txt"'),
  called(
    'image_size target_size img_size',
    'size = 32px',
    'it is for `synthetic`; pictures of files get theirs by `resize` of a `preprocess`',
  ),
  called('type kind', 'format = "image-folder"'),
  called('random_state random_seed', 'seed = 1'),
  called('val_split validation_split test_split', 'split { val = 100 }'),
  missing('batch_size batch shuffle', 'this belongs to `train`'),
  missing(
    'transform transforms',
    'what is done to every picture stands in `preprocess for Model { ... }`, what is random in `augment { ... }` of a training',
  ),
];

/** Values of `format`. */
/** Arguments of calls in directives; a call takes the first name here that it has. */
export const settingArguments: readonly { readonly names: readonly string[]; readonly here: readonly string[] }[] = [
  { names: ['learning_rate'], here: ['lr'] },
  { names: ['beta_1'], here: ['beta1'] },
  { names: ['beta_2'], here: ['beta2'] },
  { names: ['epsilon'], here: ['eps'] },
  { names: ['rho'], here: ['alpha'] },
  { names: ['decay', 'wd'], here: ['weight_decay'] },
  { names: ['step_size', 'decay_steps'], here: ['every'] },
  { names: ['milestones', 'boundaries'], here: ['at'] },
  { names: ['decay_rate', 'factor'], here: ['gamma', 'factor'] },
  { names: ['T_0', 'first_decay_steps'], here: ['period'] },
  { names: ['T_mult', 't_mul'], here: ['mult'] },
  { names: ['max_lr'], here: ['max'] },
  { names: ['base_lr'], here: ['base'] },
  { names: ['min_lr', 'alpha'], here: ['eta_min', 'min_lr'] },
  { names: ['total_steps', 'total_iters'], here: ['total'] },
  { names: ['final_div_factor'], here: ['final_div'] },
  { names: ['div_factor'], here: ['div'] },
  { names: ['anneal_strategy'], here: ['anneal'] },
  { names: ['step_size_up'], here: ['up'] },
  { names: ['step_size_down'], here: ['down'] },
  { names: ['warmup_epochs', 'warmup_steps', 'warmup_iters'], here: ['warmup'] },
  { names: ['weight', 'class_weight'], here: ['class_weights'] },
  { names: ['ignore_index'], here: ['ignore'] },
  { names: ['beta'], here: ['delta'] },
  { names: ['padding'], here: ['pad'] },
  { names: ['prob', 'probability'], here: ['p'] },
  { names: ['brightness', 'contrast', 'saturation'], here: ['strength'] },
  { names: ['angle'], here: ['degrees'] },
  { names: ['max_norm', 'clip_value'], here: ['value'] },
];

/** Arguments of calls in directives that have no counterpart. */
export const otherSettingArguments: readonly { readonly names: readonly string[]; readonly help: string }[] = [
  { names: ['betas'], help: 'they are two: `beta1=0.9, beta2=0.999`' },
  { names: ['params', 'parameters'], help: 'leave it out: all parameters of the model are trained' },
  {
    names: [
      'amsgrad',
      'maximize',
      'foreach',
      'fused',
      'capturable',
      'reduction',
      'size_average',
      'last_epoch',
      'verbose',
      'optimizer',
      'antialias',
      'fill',
      'inplace',
      'from_logits',
    ],
    help: 'there is no such choice here: leave it out',
  },
  { names: ['interpolation'], help: 'pictures are resized as Pillow does it, bilinearly: leave it out' },
  { names: ['hue'], help: 'there is no change of hue: leave it out' },
];

/** Words that begin a directive: each `here` is what takes its place. */
export const words: readonly Foreign[] = [
  called('training fit compile Trainer learn', 'train'),
  called('data dataloader datasets DataLoader', 'dataset'),
  called('pruning sparsify', 'prune'),
  called('quantise quantization quantisation ptq qat', 'quantize'),
  called('distillation distil', 'distill'),
  called('transform transforms preprocessing normalize', 'preprocess'),
  called('pretrained checkpoint load state_dict', 'weights'),
  called('constraints constraint limits requirements', 'budget'),
  missing('optimizer loss scheduler schedule augment metric', 'it is a key of `train name for Model { ... }`'),
  missing(
    'validate validation test evaluate eval',
    'measuring is a command: `cnnc eval`; parts of the data are keys of `dataset`',
  ),
  missing('export onnx save', 'building is a command: `cnnc build`'),
  missing(
    'layer module network net class',
    'a network is `model Name(x: f32[N, 3, H, W]) { ... }`, a part of one `block`',
  ),
];

export const metrics: readonly Foreign[] = [
  called('acc top1 top_1 categorical_accuracy sparse_categorical_accuracy', 'accuracy'),
  called('top5 top_5 acc5 top_k_categorical_accuracy', 'top5_accuracy'),
  called('miou iou MeanIoU jaccard', 'mean_iou'),
  called('pixel_acc', 'pixel_accuracy'),
  called('f1 dice_score', 'dice'),
  missing('precision recall auc roc map', 'there is no such metric; `cnnc eval` prints figures of each class'),
];

/** The tables above, by the kind of place that they are about. */
export const rows = {
  keys, datasetKeys, words, metrics,
} as const satisfies Readonly<Record<string, readonly Foreign[]>>; // prettier-ignore
