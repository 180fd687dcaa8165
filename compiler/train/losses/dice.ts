/** `dice`: one minus the soft Dice coefficient of each class (Milletari et al. 2016, with probabilities unsquared). */
import { makeNode, type Node } from '../../ir/node.ts';
import { reduceMax, reduceSum, sigmoid, softmax } from '../../ops/index.ts';
import { choose, minus, over, plus, reshaped, sizesOf, times, total } from '../expressions.ts';
import { channelsOf, countedOf, expectedOf, isBinary, type LossValue, type Target } from './loss.ts';

export interface DiceOptions {
  /** Added to both sides of the quotient, so that a class that is nowhere costs nothing. */
  readonly smooth: number;
  /** Class that counts for nothing; that of the dataset unless told. */
  readonly ignore?: number | undefined;
}

/** The sum over pixels, `[B, C]`; a class label is an image of one pixel. */
function overPixels(x: Node): Node {
  const sizes = sizesOf(x);
  const axes = sizes.map((_, axis) => axis).slice(2);
  return axes.length === 0 ? x : makeNode(reduceSum, [x], { axes, keepDims: false });
}

/**
 * For each sample and class `1 - (2 sum(p y) + s) / (sum(p) + sum(y) + s)` over the pixels that count, p from softmax
 * (sigmoid where there is one score); the mean over classes and over samples with a pixel that counts, so that the
 * loss of a set is the mean of its batches' whatever their size.
 */
export function dice(scores: Node, given: Target, { smooth, ignore }: DiceOptions): LossValue {
  const target = given.kind === 'dense' ? given : { ...given, ignore: ignore ?? given.ignore };
  const counted = countedOf(scores, target);
  const probability = isBinary(scores) ? makeNode(sigmoid, [scores], {}) : makeNode(softmax, [scores], { axis: 1 });
  const [p, y] = [times(probability, counted), times(expectedOf(scores, target), counted)];
  const shared = plus(times(overPixels(times(p, y)), 2), smooth);
  const both = plus(overPixels(plus(p, y)), smooth);
  // Without smoothing, a sample of ignored pixels would divide by zero.
  const coefficient = over(shared, choose(both, both, 1));
  const present = presentSamples(counted);
  return {
    sum: times(total(times(minus(1, coefficient), present)), 1 / channelsOf(scores)),
    weight: total(present),
  };
}

/** `[B, 1]`: 1 where any pixel counts. */
function presentSamples(counted: Node): Node {
  const [batch = 1, , ...plane] = sizesOf(counted);
  if (plane.length === 0) return counted;
  const axes = plane.map((_, index) => index + 2);
  return reshaped(makeNode(reduceMax, [counted], { axes, keepDims: false }), [batch, 1]);
}
