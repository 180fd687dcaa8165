/** Losses: their settings with defaults, and what other frameworks call them. */
import { called, missing, type Foreign } from '../../../grammar/elsewhere/entry.ts';
import {
  natural,
  nonNegative,
  ratio,
  number,
  list,
  optional,
  open,
  type Functions,
} from '../directives/directive-spec.ts';

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

export const lossesElsewhere: readonly Foreign[] = [
  called(
    'nn.CrossEntropyLoss F.cross_entropy sparse_categorical_crossentropy SparseCategoricalCrossentropy categorical_crossentropy CategoricalCrossentropy',
    'cross_entropy()',
    'it takes scores, not probabilities',
  ),
  called('nn.NLLLoss F.nll_loss', 'cross_entropy()', 'it takes scores: leave `log_softmax` out of the model'),
  called('nn.BCEWithLogitsLoss F.binary_cross_entropy_with_logits', 'bce()'),
  called(
    'nn.BCELoss binary_crossentropy BinaryCrossentropy',
    'bce()',
    'it takes scores: leave `sigmoid` out of the model',
  ),
  called('nn.MSELoss F.mse_loss mean_squared_error MeanSquaredError', 'mse()'),
  called('nn.L1Loss F.l1_loss mae mean_absolute_error MeanAbsoluteError', 'l1()'),
  called('nn.SmoothL1Loss F.smooth_l1_loss nn.HuberLoss', 'huber(delta=1)'),
  called('nn.KLDivLoss KLDivergence', 'kl_div()'),
  called('DiceLoss soft_dice', 'dice()'),
  missing(
    'focal FocalLoss nn.MultiMarginLoss nn.HingeEmbeddingLoss hinge TripletMarginLoss nn.CTCLoss nn.PoissonNLLLoss lovasz jaccard tversky',
    'there is no such loss; `class_weights` of `cross_entropy` weights rare classes, and `dice()` measures overlap',
  ),
];
