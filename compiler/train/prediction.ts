/** The predicted class of every image or pixel, and how many of them are right. */
import { makeNode, type Node } from '../ir/node.ts';
import { argMax } from '../ops/index.ts';
import { isEqual, isGreater, reshaped, sizesOf, times, total } from './expressions.ts';
import { countedOf, isBinary, type Target } from './losses/loss.ts';

/** `[B]` or `[B, H, W]`: the class with the largest score; where there is one score, whether it is positive. */
export function predictionOf(scores: Node): Node {
  if (!isBinary(scores)) return makeNode(argMax, [scores], { axis: 1 });
  return reshaped(isGreater(scores, 0), sizesOf(scores).toSpliced(1, 1));
}

/** `[1, 1]`: the predictions that equal their labels, among what counts. */
export function correctOf(scores: Node, prediction: Node, target: Extract<Target, { kind: 'labels' }>): Node {
  const counted = countedOf(scores, target);
  const matches = reshaped(isEqual(prediction, target.labels), sizesOf(counted));
  return total(times(matches, counted));
}
