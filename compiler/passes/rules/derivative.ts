/** Identities that derivatives leave behind: expansions that broadcasting does anyway, choices and sums of one. */
import { shapesEqual } from '../../ir/dim.ts';
import { isConstant } from '../../ir/leaves.ts';
import { makeNode, type Node } from '../../ir/node.ts';
import { isOp, OpError, type Op } from '../../ir/op.ts';
import type { Rule } from '../../ir/rewrite.ts';
import {
  add,
  div,
  equal,
  expand,
  greater,
  maximum,
  minimum,
  mul,
  neg,
  reduceMax,
  reduceMean,
  reduceSum,
  reluGrad,
  reshape,
  sub,
  where,
} from '../../ops/index.ts';
import { isFilledWith } from '../constants.ts';
import { rule, standIn } from './rule.ts';

/** The node where its type is `wanted`'s; operands that no longer fit each other make none. */
function sameTyped(wanted: Node, op: Op, inputs: readonly Node[]): Node | undefined {
  try {
    return standIn(wanted, makeNode(op, inputs, wanted.attrs));
  } catch (error) {
    if (error instanceof OpError) return undefined;
    throw error;
  }
}

/** An elementwise op stretches its operands itself, as long as another one still gives the result its shape. */
const stretchesItself = (op: Op): Rule =>
  rule(`${op.name}-of-expand`, op, (node) => {
    for (const [at, input] of node.inputs.entries()) {
      const [source] = input.inputs;
      if (!source || !isOp(input, expand)) continue;
      const direct = sameTyped(node, op, node.inputs.with(at, source));
      if (direct) return direct;
    }
    return undefined;
  });

/** A sum, mean or maximum along axes of size 1 is its operand. */
function reductionOfOne(node: Node, axes: readonly number[]): Node | undefined {
  const [x] = node.inputs;
  const shape = x?.type.shape ?? [];
  if (!x || !axes.every((axis) => shape.at(axis) === 1)) return undefined;
  return shapesEqual(shape, node.type.shape) ? x : makeNode(reshape, [x], { shape: node.type.shape });
}

/** The operand of a negation. */
const negated = (node: Node | undefined): Node | undefined => (node && isOp(node, neg) ? node.inputs[0] : undefined);

const signRules: readonly Rule[] = [
  rule('add-of-neg', add, ({ inputs: [a, b] }) => {
    const [first, second] = [negated(a), negated(b)];
    if (a && second) return makeNode(sub, [a, second], {});
    return first && b ? makeNode(sub, [b, first], {}) : undefined;
  }),
  rule('sub-of-neg', sub, ({ inputs: [a, b] }) => {
    const second = negated(b);
    return a && second ? makeNode(add, [a, second], {}) : undefined;
  }),
  rule('mul-by-minus-one', mul, (node) => {
    const [a, b] = node.inputs;
    const x = isFilledWith(b, -1) ? standIn(node, a) : isFilledWith(a, -1) ? standIn(node, b) : undefined;
    return x && makeNode(neg, [x], {});
  }),
  rule('mul-of-negs', mul, ({ inputs: [a, b] }) => {
    const [first, second] = [negated(a), negated(b)];
    return first && second ? makeNode(mul, [first, second], {}) : undefined;
  }),
];

const expandRules: readonly Rule[] = [
  rule('expand-to-same', expand, (node) => standIn(node, node.inputs[0])),
  rule('expand-of-expand', expand, ({ inputs: [x], attrs }) =>
    x && isOp(x, expand) ? makeNode(expand, x.inputs, attrs) : undefined,
  ),
  ...[add, sub, mul, div, minimum, maximum, greater, equal, where, reluGrad].map((op) => stretchesItself(op)),
];

const whereRules: readonly Rule[] = [
  rule('where-of-same', where, (node) => {
    const [, a, b] = node.inputs;
    return a === b ? standIn(node, a) : undefined;
  }),
  rule('where-always', where, (node) => {
    const [condition, a, b] = node.inputs;
    if (!condition || !isConstant(condition)) return undefined;
    const { data } = condition.attrs.tensor;
    if (data.every((value) => value > 0)) return standIn(node, a);
    return data.every((value) => !(value > 0)) ? standIn(node, b) : undefined;
  }),
];

export const derivativeRules: readonly Rule[] = [
  ...signRules,
  ...expandRules,
  ...whereRules,
  rule('sum-of-one', reduceSum, (node) => reductionOfOne(node, node.attrs.axes)),
  rule('mean-of-one', reduceMean, (node) => reductionOfOne(node, node.attrs.axes)),
  rule('max-of-one', reduceMax, (node) => reductionOfOne(node, node.attrs.axes)),
];
