/** `bce`: binary cross entropy on logits, one against the rest, as binary_cross_entropy_with_logits of PyTorch. */
import { makeNode, type Node } from '../../ir/node.ts';
import { softplus } from '../../ops/index.ts';
import { minus, negated, plus, times } from '../expressions.ts';
import { expectedOf, meanOverElements, type LossValue, type Target } from './loss.ts';

export interface BinaryCrossEntropyOptions {
  /** Weight of the positive class. */
  readonly posWeight: number;
}

/** `w y softplus(-x) + (1 - y) softplus(x)`, since `-log sigmoid(x) = softplus(-x)`; the mean over all elements. */
export function binaryCrossEntropy(scores: Node, target: Target, { posWeight }: BinaryCrossEntropyOptions): LossValue {
  const expected = expectedOf(scores, target);
  const positive = times(times(expected, posWeight), makeNode(softplus, [negated(scores)], {}));
  const negative = times(minus(1, expected), makeNode(softplus, [scores], {}));
  return meanOverElements(scores, target, plus(positive, negative));
}
