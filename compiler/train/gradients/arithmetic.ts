/** Gradients of elementwise ops of several operands, summed back over the axes along which an operand was repeated. */
import type { Node } from '../../ir/node.ts';
import type { Op } from '../../ir/op.ts';
import type { NoAttrs } from '../../ops/elementwise.ts';
import { add, div, expand, maximum, minimum, mul, prelu, sub, where } from '../../ops/index.ts';
import { choose, isEqual, isGreater, minus, negated, over, plus, times } from '../expressions.ts';
import { operandOf, ruleOf, ruleOfOne, unbroadcast, type Entry } from './rule.ts';

/** A rule for `op(a, b) = y`, written as if nothing were broadcast. */
const ofTwo = (op: Op<NoAttrs>, rule: (g: Node, a: Node, b: Node, y: Node) => readonly [Node, Node]): Entry =>
  ruleOf(op, (node, gradient) => {
    const [a, b] = [operandOf(node, 0), operandOf(node, 1)];
    const [ofA, ofB] = rule(gradient, a, b, node);
    return [unbroadcast(ofA, a.type), unbroadcast(ofB, b.type)];
  });

/** Nothing where `b` is greater, half of the gradient where both are equal, else all of it: also where one is NaN. */
const share = (g: Node, a: Node, b: Node): Node => times(g, minus(1, plus(isGreater(b, a), times(isEqual(a, b), 0.5))));

export const arithmetic: readonly Entry[] = [
  ofTwo(add, (g) => [g, g]),
  ofTwo(sub, (g) => [g, negated(g)]),
  ofTwo(mul, (g, a, b) => [times(g, b), times(g, a)]),
  ofTwo(div, (g, _, b, y) => [over(g, b), negated(over(times(g, y), b))]),
  ofTwo(maximum, (g, a, b) => [share(g, a, b), share(g, b, a)]),
  ofTwo(minimum, (g, a, b) => [share(g, b, a), share(g, a, b)]),
  ofTwo(prelu, (g, x, slope) => [choose(x, g, times(g, slope)), choose(x, 0, times(g, x))]),
  ruleOf(where, (node, g) => {
    const [condition, a, b] = [operandOf(node, 0), operandOf(node, 1), operandOf(node, 2)];
    return [undefined, unbroadcast(choose(condition, g, 0), a.type), unbroadcast(choose(condition, 0, g), b.type)];
  }),
  ruleOfOne(expand, (g, _, x) => unbroadcast(g, x.type)),
];
