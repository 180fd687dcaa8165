/** Gradients of what sums over axes: reductions, softmax and the moments of channels. */
import type { Node } from '../../ir/node.ts';
import type { ReduceAttrs } from '../../ops/rules/reduce.ts';
import { channelMoments, exp, logSoftmax, reduceMax, reduceMean, reduceSum, softmax } from '../../ops/index.ts';
import {
  expanded,
  isEqual,
  apply,
  minus,
  over,
  perChannel,
  plus,
  reshaped,
  sizeOf,
  sliced,
  sumOver,
  times,
} from '../expressions.ts';
import { ruleOfOne, type Entry } from './rule.ts';

/** A reduction's value or gradient with its reduced axes back, at size 1. */
const kept = (value: Node, x: Node, { axes }: ReduceAttrs): Node =>
  reshaped(
    value,
    x.type.shape.map((size, axis) => (axes.includes(axis) ? 1 : size)),
  );

const countOver = (x: Node, axes: readonly number[]): number =>
  axes.reduce((count, axis) => count * sizeOf(x, axis), 1);

/** Equal maxima share the gradient evenly (PyTorch's amax). */
function reduceMaxGradient(g: Node, node: Node<ReduceAttrs>, x: Node): Node {
  const mask = isEqual(x, kept(node, x, node.attrs));
  return times(mask, over(kept(g, x, node.attrs), sumOver(mask, node.attrs.axes)));
}

/** Of rows mean m, variance v and unbiased variance u: g_m / n + 2 (x - m) (g_v / n + g_u / (n - 1)). */
function momentsGradient(g: Node, node: Node, x: Node): Node {
  const rank = x.type.shape.length;
  const count = countOver(
    x,
    [...x.type.shape.keys()].filter((axis) => axis !== 1),
  );
  const row = (rows: Node, index: number): Node => perChannel(sliced(rows, 0, index, index + 1), rank);
  const ofVariances = plus(over(row(g, 1), count / 2), over(row(g, 2), Math.max(1, count - 1) / 2));
  return plus(over(row(g, 0), count), times(minus(x, row(node, 0)), ofVariances));
}

export const reductions: readonly Entry[] = [
  ruleOfOne(reduceSum, (g, { attrs }, x) => expanded(kept(g, x, attrs), x.type.shape)),
  ruleOfOne(reduceMean, (g, { attrs }, x) => expanded(over(kept(g, x, attrs), countOver(x, attrs.axes)), x.type.shape)),
  ruleOfOne(reduceMax, reduceMaxGradient),
  // y * (g - sum(g * y)) for y = softmax(x).
  ruleOfOne(softmax, (g, node) => times(node, minus(g, sumOver(times(g, node), [node.attrs.axis])))),
  // g - softmax(x) * sum(g), where softmax(x) = exp(y).
  ruleOfOne(logSoftmax, (g, node) => minus(g, times(apply(exp, node), sumOver(g, [node.attrs.axis])))),
  ruleOfOne(channelMoments, momentsGradient),
];
