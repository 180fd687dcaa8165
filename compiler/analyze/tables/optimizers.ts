/** Optimizers: their settings with defaults, and what other frameworks call them. */
import { called, missing, type Foreign } from '../../../grammar/elsewhere/entry.ts';
import { bool, nonNegative, ratio, rate, required, optional, type Functions } from '../directives/directive-spec.ts';

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
  adagrad: {
    lr: optional(rate, 1e-2, 'learning rate'),
    lr_decay: optional(nonNegative, 0, 'at step t, counted from 0, the rate is divided by 1 + lr_decay t'),
    weight_decay: optional(nonNegative, 0, 'L2 term added to the gradient'),
    initial_accumulator_value: optional(nonNegative, 0, 'what the sum of squares begins with'),
    eps: optional(nonNegative, 1e-10, 'added to the denominator'),
  },
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

export const optimizersElsewhere: readonly Foreign[] = [
  called('optim.SGD GradientDescent', 'sgd(lr=0.1, momentum=0.9)'),
  called('optim.Adam', 'adam(lr=1e-3)'),
  called('optim.AdamW', 'adamw(lr=1e-3, weight_decay=0.01)'),
  called('optim.Adagrad', 'adagrad(lr=1e-2)'),
  called('optim.RMSprop', 'rmsprop(lr=1e-2)'),
  called('Lion', 'lion(lr=1e-4)'),
  missing(
    'optim.Adadelta optim.Adamax optim.Adafactor Ftrl optim.SparseAdam optim.Rprop optim.ASGD',
    'there is no such optimizer; `adam(lr=1e-3)` adapts the step of each weight too',
    'adam(lr=1e-3)',
  ),
  missing(
    'optim.NAdam optim.RAdam LAMB LARS Ranger optim.LBFGS Muon',
    'there is no such optimizer; the nearest is `adamw(lr=1e-3)`',
    'adamw(lr=1e-3)',
  ),
];
