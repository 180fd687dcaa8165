/** Gradients of convolutions and of the fully connected layer: the transposed map, and a correlation for the weight. */
import { productOf } from '../../ir/dim.ts';
import { makeNode, type Node } from '../../ir/node.ts';
import type { Conv2dAttrs } from '../../ops/conv2d.ts';
import type { ConvTranspose2dAttrs } from '../../ops/conv-transpose2d.ts';
import {
  concat,
  conv2d,
  conv2dWeightGrad,
  convTranspose2d,
  dilate,
  linear,
  packWeights,
  pad,
  reduceSum,
  sumSlices,
  transpose,
} from '../../ops/index.ts';
import type { Pair } from '../../ops/rules/expect.ts';
import { reshaped, sizeOf, sliced } from '../expressions.ts';
import { operandOf, ruleOf, ruleOfOne, type Entry } from './rule.ts';

/** Height and width of maps or of filters. */
const planeOf = (x: Node): Pair => [sizeOf(x, 2), sizeOf(x, 3)];

/** The sum over all axes but one, without them. */
function sumBeside(g: Node, kept: number): Node {
  const axes = [...g.type.shape.keys()].filter((axis) => axis !== kept);
  return axes.length === 0 ? g : makeNode(reduceSum, [g], { axes, keepDims: false });
}

const biasGradient = (node: Node, g: Node, axis: number): Node[] =>
  node.inputs.length > 2 ? [sumBeside(g, axis)] : [];

const pointwise = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1, kernel: [1, 1] } as const;

/** Rows or columns at the end that the last window of a strided convolution does not reach. */
function remainder(node: Node<Conv2dAttrs>, side: 0 | 1): number {
  const { stride, padding, dilation } = node.attrs;
  const [size, kernel] = [planeOf(operandOf(node, 0))[side], planeOf(operandOf(node, 1))[side]];
  const padded = size + padding[side] + padding[side === 0 ? 2 : 3];
  return padded - (planeOf(node)[side] - 1) * stride[side] - dilation[side] * (kernel - 1) - 1;
}

/** The transposed convolution; of single pixels each goes to one cell of x, and the cells between get nothing. */
function ofConvolved(node: Node<Conv2dAttrs>, g: Node): Node {
  const [x, weight] = [operandOf(node, 0), operandOf(node, 1)];
  const { stride, padding, dilation, groups } = node.attrs;
  const isSparse =
    [...planeOf(weight), ...padding].every((size, at) => size === (at < 2 ? 1 : 0)) && stride.some((step) => step > 1);
  if (!isSparse) {
    const outputPadding = [remainder(node, 0), remainder(node, 1)] as const;
    return makeNode(convTranspose2d, [g, weight], { stride, padding, outputPadding, dilation, groups });
  }
  const { kernel: _, ...attrs } = pointwise;
  const dense = makeNode(convTranspose2d, [g, weight], { ...attrs, outputPadding: [0, 0], groups });
  return makeNode(dilate, [dense], { stride, size: planeOf(x) });
}

function conv2dGradient(node: Node<Conv2dAttrs>, g: Node): Node[] {
  const [x, weight] = [operandOf(node, 0), operandOf(node, 1)];
  const { stride, padding, dilation, groups } = node.attrs;
  const ofX = ofConvolved(node, g);
  const kernel = planeOf(weight);
  const ofWeight = makeNode(conv2dWeightGrad, [x, g], { stride, padding, dilation, groups, kernel });
  return [ofX, ofWeight, ...biasGradient(node, g, 1)];
}

/** Zeros behind the rows and columns of maps. */
const extended = (x: Node, [rows, columns]: Pair): Node =>
  rows + columns === 0 ? x : makeNode(pad, [x], { before: [0, 0, 0, 0], after: [0, 0, rows, columns], value: 0 });

function convTranspose2dGradient(node: Node<ConvTranspose2dAttrs>, g: Node): Node[] {
  const [x, weight] = [operandOf(node, 0), operandOf(node, 1)];
  const { outputPadding, ...attrs } = node.attrs;
  // An output padding of a stride or more, which a dilation allows, is room for windows that belong to no cell of x.
  const beyond = [
    Math.floor(outputPadding[0] / attrs.stride[0]),
    Math.floor(outputPadding[1] / attrs.stride[1]),
  ] as const;
  const windows = makeNode(conv2d, [g, weight], attrs);
  const ofX = sliced(sliced(windows, 2, 0, sizeOf(x, 2)), 3, 0, sizeOf(x, 3));
  // The roles are swapped: the convolution that this one transposes reads what this one wrote.
  const ofWeight = makeNode(conv2dWeightGrad, [g, extended(x, beyond)], { ...attrs, kernel: planeOf(weight) });
  return [ofX, ofWeight, ...biasGradient(node, g, 1)];
}

/** `[..., K]` as one image of one pixel a row, `[N, K, 1, 1]`; its bytes stay where they are for a matrix. */
const rowsOf = (x: Node): Node => {
  const { shape } = x.type;
  return reshaped(x, [productOf(shape.slice(0, -1)), shape.at(-1) ?? 1, 1, 1]);
};

function linearGradient(node: Node, g: Node): Node[] {
  const [x, weight] = [operandOf(node, 0), operandOf(node, 1)];
  const ofX = makeNode(linear, [g, makeNode(transpose, [weight], { permutation: [1, 0] })], {});
  const ofWeight = makeNode(conv2dWeightGrad, [rowsOf(x), rowsOf(g)], pointwise);
  return [ofX, reshaped(ofWeight, weight.type.shape), ...biasGradient(node, g, g.type.shape.length - 1)];
}

export const convolution: readonly Entry[] = [
  ruleOf(conv2d, conv2dGradient),
  ruleOf(convTranspose2d, convTranspose2dGradient),
  ruleOf(linear, linearGradient),
  ruleOfOne(packWeights, (g) => g),
  ruleOfOne(sumSlices, (g, { attrs }) =>
    makeNode(
      concat,
      Array.from({ length: attrs.slices }, () => g),
      { axis: 0 },
    ),
  ),
];
