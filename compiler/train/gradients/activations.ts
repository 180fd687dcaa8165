/**
 * Gradients of elementwise ops of one operand. Where the value itself determines the slope, the rule reads it instead
 * of the operand, so that the operand need not be kept and the op stays fused with what computes it. Slopes at kinks
 * are PyTorch's.
 */
import type { Node } from '../../ir/node.ts';
import type { Op } from '../../ir/op.ts';
import type { NoAttrs } from '../../ops/elementwise.ts';
import {
  abs,
  clip,
  dropout,
  elu,
  exp,
  gelu,
  geluGrad,
  hardSigmoid,
  hardSwish,
  leakyRelu,
  log,
  mish,
  neg,
  relu,
  relu6,
  reluGrad,
  rsqrt,
  sigmoid,
  sign,
  silu,
  softplus,
  sqrt,
  tanh,
} from '../../ops/index.ts';
import { choose, isEqual, apply, minus, negated, over, plus, times } from '../expressions.ts';
import { ruleOfOne, type Entry } from './rule.ts';

/** The gradient `g` from the value `y`. */
const byValue = (op: Op<NoAttrs>, rule: (g: Node, y: Node) => Node): Entry => ruleOfOne(op, rule);

/** The gradient `g` from the operand `x`. */
const byOperand = (op: Op<NoAttrs>, rule: (g: Node, x: Node) => Node): Entry => ruleOfOne(op, (g, _, x) => rule(g, x));

/** silu'(x) = s * (1 + x * (1 - s)) with s = sigmoid(x). */
function siluGradient(g: Node, x: Node): Node {
  const s = apply(sigmoid, x);
  return times(times(g, s), plus(times(x, minus(1, s)), 1));
}

/** mish'(x) = t + x * s * (1 - t^2) with t = tanh(softplus(x)) and s = sigmoid(x). */
function mishGradient(g: Node, x: Node): Node {
  const t = apply(tanh, apply(softplus, x));
  return times(g, plus(times(times(x, apply(sigmoid, x)), minus(1, times(t, t))), t));
}

/** 0 up to -3, x / 3 + 1/2 up to 3, then 1: h(x) + x h'(x) for the hard sigmoid h, which keeps NaN. */
function hardSwishGradient(g: Node, x: Node): Node {
  const h = apply(hardSigmoid, x);
  return times(g, plus(h, choose(times(h, minus(1, h)), over(x, 6), 0)));
}

/** d/dx (Phi(x) + x phi(x)) = phi(x) (2 - x^2). */
function geluGradGradient(g: Node, x: Node): Node {
  const square = times(x, x);
  const density = over(apply(exp, times(square, -0.5)), Math.sqrt(2 * Math.PI));
  return times(g, times(density, minus(2, square)));
}

export const activations: readonly Entry[] = [
  byValue(relu, (g, y) => apply(reluGrad, y, g)),
  byValue(relu6, (g, y) => choose(times(y, minus(6, y)), g, 0)),
  byValue(hardSigmoid, (g, y) => choose(times(y, minus(1, y)), over(g, 6), 0)),
  byValue(sigmoid, (g, y) => times(g, times(y, minus(1, y)))),
  byValue(tanh, (g, y) => times(g, minus(1, times(y, y)))),
  byValue(exp, (g, y) => times(g, y)),
  byValue(sqrt, (g, y) => over(g, times(2, y))),
  byValue(rsqrt, (g, y) => times(g, times(times(y, -0.5), times(y, y)))),
  byValue(neg, (g) => negated(g)),
  byOperand(hardSwish, hardSwishGradient),
  byOperand(silu, siluGradient),
  byOperand(mish, mishGradient),
  byOperand(gelu, (g, x) => times(g, apply(geluGrad, x))),
  byOperand(geluGrad, geluGradGradient),
  byOperand(softplus, (g, x) => times(g, apply(sigmoid, x))),
  byOperand(log, (g, x) => over(g, x)),
  byOperand(abs, (g, x) => times(g, apply(sign, x))),
  // The borders are within, and NaN equals nothing.
  ruleOfOne(clip, (g, y, x) => choose(isEqual(x, y), g, 0)),
  // The value is positive exactly where the operand is, unless a negated slope turns the other side up.
  ruleOfOne(leakyRelu, (g, node, x) => choose(node.attrs.alpha < 0 ? x : node, g, times(g, node.attrs.alpha))),
  // alpha * exp(x) = y + alpha.
  ruleOfOne(elu, (g, node, x) => choose(node.attrs.alpha < 0 ? x : node, g, times(g, plus(node, node.attrs.alpha)))),
  // Of the inference form, the identity; training multiplies by a mask instead.
  ruleOfOne(dropout, (g) => g),
];
