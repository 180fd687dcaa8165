/** Arithmetic on nodes, for what is written down as formulas: gradients, losses, optimizers, clipping. */
import { shapesEqual, type Dim } from '../ir/dim.ts';
import { makeNode, type Node } from '../ir/node.ts';
import type { Op } from '../ir/op.ts';
import { elementCount } from '../ir/type.ts';
import type { NoAttrs } from '../ops/elementwise.ts';
import {
  abs,
  add,
  clip,
  constant,
  div,
  equal,
  expand,
  greater,
  log,
  maximum,
  minimum,
  mul,
  neg,
  reduceMean,
  reduceSum,
  reshape,
  sign,
  slice,
  sqrt,
  sub,
  where,
} from '../ops/index.ts';

export type Operand = Node | number;

/** A constant of any shape, row-major. It is held in float64; the device sees it rounded to float32. */
export const tensorOf = (shape: readonly number[], data: readonly number[]): Node =>
  makeNode(constant, [], { tensor: { dtype: 'f32', shape, data: Float64Array.from(data) }, name: '' });

/** A constant of any shape with every element equal. */
export const filled = (shape: readonly number[], value: number): Node =>
  tensorOf(
    shape,
    Array.from({ length: elementCount(shape) }, () => value),
  );

/** An elementwise op; numbers become constants of the others' rank, because fusion takes no operand of another. */
export function apply(op: Op<NoAttrs>, ...operands: readonly Operand[]): Node {
  const rank = Math.max(0, ...operands.map((each) => (typeof each === 'number' ? 0 : each.type.shape.length)));
  const ones = Array.from({ length: rank }, () => 1);
  const nodes = operands.map((each) => (typeof each === 'number' ? tensorOf(ones, [each]) : each));
  return makeNode(op, nodes, {});
}

const binary =
  (op: Op<NoAttrs>) =>
  (a: Operand, b: Operand): Node =>
    apply(op, a, b);

const unary =
  (op: Op<NoAttrs>) =>
  (x: Node): Node =>
    apply(op, x);

export const plus = binary(add);
export const minus = binary(sub);
export const times = binary(mul);
export const over = binary(div);
export const smallerOf = binary(minimum);
export const largerOf = binary(maximum);
/** 1 where a > b, else 0. */
export const isGreater = binary(greater);
/** 1 where a = b, else 0. */
export const isEqual = binary(equal);
export const negated = unary(neg);
export const magnitude = unary(abs);
export const signOf = unary(sign);
export const rootOf = unary(sqrt);
export const logarithm = unary(log);
export const square = (x: Node): Node => times(x, x);

/** `a` where the condition is positive, else `b`. */
export const choose = (condition: Node, a: Operand, b: Operand): Node => apply(where, condition, a, b);

export const clamped = (x: Node, min: number, max: number): Node => makeNode(clip, [x], { min, max });

/** The node itself where it has that shape already. */
export const reshaped = (x: Node, shape: readonly Dim[]): Node =>
  shapesEqual(x.type.shape, shape) ? x : makeNode(reshape, [x], { shape });

/** Broadcast to a shape of the same rank; the node itself where it has that shape already. */
export const expanded = (x: Node, shape: readonly Dim[]): Node =>
  shapesEqual(x.type.shape, shape) ? x : makeNode(expand, [x], { shape });

/** Elements `from` up to, not including, `to` of an axis; the node itself where those are all. */
export const sliced = (x: Node, axis: number, from: number, to: number): Node =>
  from === 0 && to === x.type.shape[axis] ? x : makeNode(slice, [x], { axis, from, to });

/** The sum over axes, which stay with size 1; the node itself where there are none. */
export const sumOver = (x: Node, axes: readonly number[]): Node =>
  axes.length === 0 ? x : makeNode(reduceSum, [x], { axes, keepDims: true });

/** The mean over axes, which stay with size 1; the node itself where there are none. */
export const meanOver = (x: Node, axes: readonly number[]): Node =>
  axes.length === 0 ? x : makeNode(reduceMean, [x], { axes, keepDims: true });

/** Axes 2, 3, ...: those of an image's pixels. */
export const pixelAxes = (x: Node): number[] => [...x.type.shape.keys()].slice(2);

/** One value a channel, `[C]` or `[1, C]`, as `[1, C, 1, ...]` beside values of a rank. */
export function perChannel(vector: Node, rank: number): Node {
  const channels = vector.type.shape.at(-1) ?? 1;
  return reshaped(
    vector,
    Array.from({ length: rank }, (_, axis) => (axis === 1 ? channels : 1)),
  );
}

/** The sum of all elements, as `[1, 1]`. */
export function total(x: Node): Node {
  const axes = x.type.shape.map((_, axis) => axis);
  return reshaped(axes.length === 0 ? x : makeNode(reduceSum, [x], { axes, keepDims: true }), [1, 1]);
}

/** The size of an axis, which must be known: training compiles for fixed sizes. Throws a RangeError for a symbol. */
export function sizeOf(node: Node, axis: number): number {
  const size = node.type.shape[axis];
  if (typeof size === 'number') return size;
  throw new RangeError(`axis ${axis} of ${node.op.name} has an open size`);
}

/** The sizes of a node, which must be known. Throws a RangeError where one is a symbol. */
export const sizesOf = (node: Node): number[] => node.type.shape.map((_, axis) => sizeOf(node, axis));
