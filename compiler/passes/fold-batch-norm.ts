/** `fold-batch-norm`: batch norm becomes part of the convolution in front of it, or a scale and a shift. */
import { isConstant } from '../ir/leaves.ts';
import { makeNode, usersOf, rootsOf, type Graph, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { mergeOrigins, rewriteGraph } from '../ir/rewrite.ts';
import type { Tensor } from '../ir/type.ts';
import { add, batchNorm, convTranspose2d, linear, mul } from '../ops/index.ts';
import type { BatchNormAttrs } from '../ops/batch-norm.ts';
import { constantNode } from './constants.ts';
import type { Pass } from './pass.ts';

const name = 'fold-batch-norm';

/** `y[c] = x[c] * scale[c] + shift[c]`, in float64. */
export interface Affine {
  readonly scale: Float64Array;
  readonly shift: Float64Array;
}

/** A batch norm as scale and shift: `s = gamma / sqrt(variance + eps)`, `t = beta - mean * s`. */
function affineOf(node: Node<BatchNormAttrs>): Affine | undefined {
  const [gamma, beta, mean, variance] = node.inputs
    .slice(1)
    .map((p) => (isConstant(p) ? p.attrs.tensor.data : undefined));
  if (!gamma || !beta || !mean || !variance) return undefined;
  const at = (data: typeof gamma, index: number): number => data[index] ?? Number.NaN;
  const scale = Float64Array.from(gamma, (g, c) => g / Math.sqrt(at(variance, c) + node.attrs.eps));
  const shift = Float64Array.from(beta, (b, c) => b - at(mean, c) * at(scale, c));
  return { scale, shift };
}

/** `W'[o] = W[o] * s[o]`: the scale runs over axis 0, also for grouped and depthwise convolutions. */
function scaledWeight(weight: Tensor, scale: Float64Array): Tensor {
  const perOutput = weight.data.length / scale.length;
  const data = new Float64Array(weight.data);
  // Plain loops: typed-array callbacks take seconds on the millions of weights that networks have.
  for (let output = 0, at = 0; output < scale.length; output++) {
    const factor = scale[output] ?? Number.NaN;
    for (const end = at + perOutput; at < end; at++) data[at] = (data[at] ?? Number.NaN) * factor;
  }
  return { ...weight, data };
}

/** The same for a transposed weight `[C, O/groups, KH, KW]`, where output o of a group lies on axis 1. */
function scaledTransposed(weight: Tensor, scale: Float64Array, groups: number): Tensor {
  const [channels = 1, perGroup = 1, height = 1, width = 1] = weight.shape;
  const taps = height * width;
  const data = new Float64Array(weight.data);
  for (let row = 0, at = 0; row < channels * perGroup; row++) {
    const group = Math.floor(row / perGroup / (channels / groups));
    const factor = scale[group * perGroup + (row % perGroup)] ?? Number.NaN;
    for (const end = at + taps; at < end; at++) data[at] = (data[at] ?? Number.NaN) * factor;
  }
  return { ...weight, data };
}

/** `b' = b * s + t`. */
function foldedBias(bias: Tensor | undefined, { scale, shift }: Affine): Tensor {
  const data = shift.map((t, o) => (bias?.data[o] ?? 0) * (scale[o] ?? Number.NaN) + t);
  return { dtype: 'f32', shape: [data.length], data };
}

/** The convolution with the batch norm inside; undefined where a weight is not constant. */
function foldInto(anchor: Node, norm: Node, affine: Affine): Node | undefined {
  const [x, weight, bias] = anchor.inputs;
  if (!x || !weight || !isConstant(weight) || (bias && !isConstant(bias))) return undefined;
  const scaled = isOp(anchor, convTranspose2d)
    ? scaledTransposed(weight.attrs.tensor, affine.scale, anchor.attrs.groups)
    : scaledWeight(weight.attrs.tensor, affine.scale);
  const biasTensor = bias && isConstant(bias) ? bias.attrs.tensor : undefined;
  const folded = [
    x,
    constantNode(scaled, weight.attrs.name, weight.origin),
    constantNode(foldedBias(biasTensor, affine), bias && isConstant(bias) ? bias.attrs.name : '', norm.origin),
  ];
  return makeNode(anchor.op, folded, anchor.attrs, mergeOrigins([anchor, norm]));
}

/** `linear` has its outputs on the last axis, batch norm on axis 1: the same one for matrices only. */
const isAnchor = (node: Node): boolean =>
  node.op.traits?.kind === 'layer' && (!isOp(node, linear) || node.type.shape.length === 2);

function asScaleAndShift(norm: Node, { scale, shift }: Affine): Node | undefined {
  const [x] = norm.inputs;
  if (!x) return undefined;
  const shape = x.type.shape.map((_, axis) => (axis === 1 ? scale.length : 1));
  const operand = (data: Float64Array): Node => constantNode({ dtype: 'f32', shape, data }, '', norm.origin);
  const scaled = makeNode(mul, [x, operand(scale)], {}, norm.origin);
  return makeNode(add, [scaled, operand(shift)], {}, norm.origin);
}

function run(graph: Graph): Graph {
  const users = usersOf(graph);
  const roots = new Set(rootsOf(graph));
  return rewriteGraph(
    graph,
    (node, original) => {
      const affine = isOp(node, batchNorm) ? affineOf(node) : undefined;
      const [source] = original.inputs;
      const [anchor] = node.inputs;
      if (!affine || !anchor || !source) return undefined;
      const isSole = users.get(source)?.length === 1 && !roots.has(source);
      const folded = isSole && isAnchor(anchor) ? foldInto(anchor, node, affine) : undefined;
      return folded ?? asScaleAndShift(node, affine);
    },
    name,
  );
}

/**
 * Conditions for folding, as in ONNX Runtime and TVM: the convolution feeds the batch norm alone and is no output,
 * and every parameter is constant. The arithmetic is float64, rounded once; eps is the node's own.
 */
export const foldBatchNorm: Pass = {
  name,
  summary: 'fold batch norm into the convolution in front of it, or into a scale and a shift',
  run,
};
