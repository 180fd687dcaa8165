/** Identities of elementwise ops. NaN stays NaN everywhere; only the sign of a zero may change (x + 0). */
import { isConstant } from '../../ir/leaves.ts';
import { makeNode, type Node } from '../../ir/node.ts';
import { isOp, type Op } from '../../ir/op.ts';
import type { Rule } from '../../ir/rewrite.ts';
import { abs, add, clip, div, dropout, maximum, minimum, mul, neg, relu, relu6, sub } from '../../ops/index.ts';
import { intervalOf } from '../../ops/rules/clamp.ts';
import { constantNode, isFilledWith } from '../constants.ts';
import { rule, standIn } from './rule.ts';

/** `op(x, c) = x` and, where it commutes, `op(c, x) = x`. */
function neutral<A extends Readonly<Record<never, never>>>(op: Op<A>, value: number, commutes: boolean): Rule {
  return rule(`${op.name}-neutral`, op, (node) => {
    const [a, b] = node.inputs;
    if (isFilledWith(b, value)) return standIn(node, a);
    return commutes && isFilledWith(a, value) ? standIn(node, b) : undefined;
  });
}

const idempotent = (op: Op): Rule =>
  rule(`${op.name}-of-same`, op, (node) => (node.inputs[0] === node.inputs[1] ? node.inputs[0] : undefined));

const keepsNonNegative = (op: Op): Rule =>
  rule(`${op.name}-of-non-negative`, op, ({ inputs: [x] }) => (x?.op.traits?.isNotNegative ? x : undefined));

/** The op for an interval: relu and relu6 where they say the same. */
function clipTo(x: Node, low: number, high: number): Node {
  if (low === 0 && high === 6) return makeNode(relu6, [x], {});
  return low === 0 && high === Infinity ? makeNode(relu, [x], {}) : makeNode(clip, [x], { min: low, max: high });
}

/** Clamping twice is clamping once, to the inner interval clamped by the outer one. */
function clipOfClip(node: Node): Node | undefined {
  const [x] = node.inputs;
  const [outer, inner] = [intervalOf(node), x && intervalOf(x)];
  const [source] = x?.inputs ?? [];
  if (!source || !outer || !inner || outer.min > outer.max || inner.min > inner.max) return undefined;
  const clamp = (value: number): number => Math.min(Math.max(value, outer.min), outer.max);
  return clipTo(source, clamp(inner.min), clamp(inner.max));
}

const plainClip = rule('clip-as-relu', clip, ({ inputs: [x], attrs: { min, max } }) => {
  if (!x) return undefined;
  if (min === -Infinity && max === Infinity) return x;
  return min === 0 && (max === 6 || max === Infinity) ? clipTo(x, min, max) : undefined;
});

/** Constants of a lower rank get leading axes of size 1, so that later phases see equal ranks. */
const alignRank = (op: Op): Rule =>
  rule(`${op.name}-align-rank`, op, (node) => {
    const rank = node.type.shape.length;
    const inputs = node.inputs.map((input) => {
      const missing = rank - input.type.shape.length;
      if (missing === 0 || !isConstant(input)) return input;
      const { tensor, name } = input.attrs;
      return constantNode(
        { ...tensor, shape: [...Array<number>(missing).fill(1), ...tensor.shape] },
        name,
        input.origin,
      );
    });
    return inputs.some((input, at) => input !== node.inputs[at]) ? makeNode(op, inputs, node.attrs) : undefined;
  });

const maximumAsRelu = rule('maximum-as-relu', maximum, (node) => {
  const [a, b] = node.inputs;
  const x = isFilledWith(b, 0) ? standIn(node, a) : isFilledWith(a, 0) ? standIn(node, b) : undefined;
  return x && makeNode(relu, [x], {});
});

export const arithmeticRules: readonly Rule[] = [
  neutral(add, 0, true),
  neutral(sub, 0, false),
  neutral(mul, 1, true),
  neutral(div, 1, false),
  idempotent(minimum),
  idempotent(maximum),
  ...[add, sub, mul, div, minimum, maximum].map(alignRank),
  rule('neg-of-neg', neg, ({ inputs: [x] }) => (x && isOp(x, neg) ? x.inputs[0] : undefined)),
  rule('abs-of-neg', abs, ({ inputs: [x] }) => (x && isOp(x, neg) ? makeNode(abs, x.inputs, {}) : undefined)),
  keepsNonNegative(relu),
  keepsNonNegative(abs),
  plainClip,
  rule('clip-of-clip', clip, clipOfClip),
  rule('relu6-of-clip', relu6, clipOfClip),
  rule('relu-of-clip', relu, clipOfClip),
  maximumAsRelu,
  rule('dropout-at-inference', dropout, ({ inputs: [x] }) => x),
];
