/** What a loss is: a sum over targets and how much counts in it, and what all losses share. */
import { makeNode, type Node } from '../../ir/node.ts';
import { oneHot } from '../../ops/index.ts';
import { isEqual, isGreater, minus, over, reshaped, choose, sizesOf, tensorOf, times, total } from '../expressions.ts';

/**
 * What scores `[B, C]` or `[B, C, H, W]` should have been: labels `[B]` or `[B, H, W]` with class indices, or values of
 * the scores' own shape. Labels that name no class (such as -1) and those equal to `ignore` count for nothing, and so
 * does a sample whose `valid`, a mask `[B]` of zeros and ones, is 0.
 */
export type Target =
  | {
      readonly kind: 'labels';
      readonly labels: Node;
      readonly ignore?: number | undefined;
      readonly valid?: Node | undefined;
    }
  | { readonly kind: 'dense'; readonly values: Node; readonly valid?: Node | undefined };

/** Both `[1, 1]`; the loss is `sum / weight`. */
export interface LossValue {
  readonly sum: Node;
  readonly weight: Node;
}

/** The number of scores a sample or pixel. */
export const channelsOf = (scores: Node): number => sizesOf(scores)[1] ?? 1;

/** One score stands for two classes: the label itself is the target of its sigmoid. */
export const isBinary = (scores: Node): boolean => channelsOf(scores) === 1;

/** A mask `[B, 1, ...]` of the samples or pixels that count. */
export function countedOf(scores: Node, target: Target): Node {
  const [batch = 1, , ...plane] = sizesOf(scores);
  const shape = [batch, 1, ...plane];
  const valid = target.valid && reshaped(target.valid, [batch, 1, ...plane.map(() => 1)]);
  if (target.kind === 'dense') {
    const all = tensorOf(shape, Array<number>(shape.reduce((product, size) => product * size, 1)).fill(1));
    return valid ? times(valid, all) : all;
  }
  const labels = reshaped(target.labels, shape);
  const classes = isBinary(scores) ? 2 : channelsOf(scores);
  const known = times(isGreater(labels, -0.5), isGreater(classes - 0.5, labels));
  const wanted = target.ignore === undefined ? known : times(known, minus(1, isEqual(labels, target.ignore)));
  return valid ? times(wanted, valid) : wanted;
}

/** Targets of the scores' shape: one-hot labels, or the values given. What does not count holds any finite value. */
export function expectedOf(scores: Node, target: Target): Node {
  if (target.kind === 'dense') return target.values;
  if (isBinary(scores)) return reshaped(target.labels, sizesOf(scores));
  return makeNode(oneHot, [target.labels], { classes: channelsOf(scores) });
}

/** The mean of `perElement`, of the scores' shape, over the elements that count (PyTorch's reduction `mean`). */
export function meanOverElements(scores: Node, target: Target, perElement: Node): LossValue {
  const counted = countedOf(scores, target);
  return { sum: total(times(perElement, counted)), weight: times(total(counted), channelsOf(scores)) };
}

/** `sum / weight`, and 0 where nothing counts. */
export const meanOf = ({ sum, weight }: LossValue): Node => over(sum, choose(weight, weight, 1));
