/**
 * `mse`, `l1`, `huber`: regression of the scores themselves, as torch.nn.functional.mse_loss, l1_loss and huber_loss;
 * the mean goes over all elements. Labels are regressed as one-hot vectors (as the Brier score does, without softmax).
 */
import type { Node } from '../../ir/node.ts';
import { magnitude, minus, smallerOf, square, times } from '../expressions.ts';
import { expectedOf, meanOverElements, type LossValue, type Target } from './loss.ts';

export interface HuberOptions {
  /** Error from which on the loss grows linearly. */
  readonly delta: number;
}

const errorOf = (scores: Node, target: Target): Node => minus(scores, expectedOf(scores, target));

export const meanSquaredError = (scores: Node, target: Target): LossValue =>
  meanOverElements(scores, target, square(errorOf(scores, target)));

export const meanAbsoluteError = (scores: Node, target: Target): LossValue =>
  meanOverElements(scores, target, magnitude(errorOf(scores, target)));

/** With `q = min(|error|, delta)`: `q (|error| - q / 2)`, which is both branches of Huber's definition. */
export function huber(scores: Node, target: Target, { delta }: HuberOptions): LossValue {
  const error = magnitude(errorOf(scores, target));
  const bounded = smallerOf(error, delta);
  return meanOverElements(scores, target, times(bounded, minus(error, times(bounded, 0.5))));
}
