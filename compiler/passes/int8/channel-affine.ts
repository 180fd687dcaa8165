/** `channel-affine`: scales and shifts of channels become part of a convolution, or a depthwise one of 1x1. */
import { isConstant } from '../../ir/leaves.ts';
import { makeNode, rootsOf, usersOf, type Graph, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { mergeOrigins, rewriteGraph } from '../../ir/rewrite.ts';
import type { Tensor } from '../../ir/type.ts';
import { add, conv2d, linear, mul, sub } from '../../ops/index.ts';
import { constantNode } from '../constants.ts';
import type { Pass } from '../pass.ts';

const name = 'channel-affine';

/** `y[c] = x[c] * scale[c] + shift[c]`. */
interface Affine {
  readonly x: Node;
  readonly scale: Float64Array;
  readonly shift: Float64Array;
  /** One number for all channels: a table holds that as well. */
  readonly isUniform: boolean;
}

/** One value a channel, as a constant `[1, C, 1, 1]` (`[1, C]` for matrices) or of one element gives it. */
function perChannel(constant: Tensor, node: Node): Float64Array | undefined {
  const { shape } = node.type;
  const channels = shape[1];
  if (typeof channels !== 'number') return undefined;
  if (constant.data.length === 1) return new Float64Array(channels).fill(constant.data[0] ?? 0);
  const axis = constant.shape.length - shape.length + 1;
  const isFit = constant.shape.every((size, at) => size === (at === axis ? channels : 1));
  return isFit && constant.data.length === channels ? new Float64Array(constant.data) : undefined;
}

function affineOf(node: Node): Affine | undefined {
  const at = node.inputs.findIndex(isConstant);
  const [constant, x] = [node.inputs[at], node.inputs[1 - at]];
  const isOrdered = isOp(node, add) || isOp(node, mul) || (isOp(node, sub) && at >= 0);
  if (!isOrdered || !constant || !x || !isConstant(constant) || isConstant(x)) return undefined;
  if (x.type.shape.length !== node.type.shape.length) return undefined;
  const values = perChannel(constant.attrs.tensor, node);
  if (!values) return undefined;
  const isUniform = constant.attrs.tensor.data.length === 1;
  const [zeros, ones] = [new Float64Array(values.length), new Float64Array(values.length).fill(1)];
  if (isOp(node, mul)) return { x, scale: values, shift: zeros, isUniform };
  if (isOp(node, add)) return { x, scale: ones, shift: values, isUniform };
  if (at === 1) return { x, scale: ones, shift: values.map((value) => -value), isUniform };
  return { x, scale: ones.map(() => -1), shift: values, isUniform };
}

const bias = (data: Float64Array): Tensor => ({ dtype: 'f32', shape: [data.length], data });

/** The convolution with scale and shift inside. */
function folded(anchor: Node, node: Node, { scale, shift }: Affine): Node | undefined {
  const [x, weight, old] = anchor.inputs;
  const isMatrix = isOp(anchor, linear) && anchor.type.shape.length === 2;
  if ((!isMatrix && !isOp(anchor, conv2d)) || !x || !weight || !isConstant(weight)) return undefined;
  if (old && !isConstant(old)) return undefined;
  const { tensor } = weight.attrs;
  const length = tensor.data.length / scale.length;
  const data = Float64Array.from(tensor.data, (w, at) => w * (scale[Math.floor(at / length)] ?? 1));
  const oldBias = old && isConstant(old) ? old.attrs.tensor.data : undefined;
  const biases = shift.map((value, output) => (oldBias?.[output] ?? 0) * (scale[output] ?? 1) + value);
  const inputs = [
    x,
    constantNode({ ...tensor, data }, weight.attrs.name, weight.origin),
    constantNode(bias(biases), old && isConstant(old) ? old.attrs.name : '', old?.origin ?? node.origin),
  ];
  return makeNode(anchor.op, inputs, anchor.attrs, mergeOrigins([anchor, node]));
}

/** `x * scale + shift` as a convolution of each channel with one weight. */
function depthwise(node: Node, { x, scale, shift, isUniform }: Affine): Node | undefined {
  if (isUniform || x.type.shape.length !== 4) return undefined;
  const channels = scale.length;
  const weight: Tensor = { dtype: 'f32', shape: [channels, 1, 1, 1], data: scale };
  const attrs = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: channels } as const;
  const operands = [x, constantNode(weight, '', node.origin), constantNode(bias(shift), '', node.origin)];
  return makeNode(conv2d, operands, attrs, node.origin);
}

function run(graph: Graph): Graph {
  const [users, roots] = [usersOf(graph), new Set(rootsOf(graph))];
  return rewriteGraph(
    graph,
    (node, original) => {
      const affine = affineOf(node);
      const source = original.inputs.find((input) => !isConstant(input));
      if (!affine || !source) return undefined;
      const isSole = users.get(source)?.length === 1 && !roots.has(source);
      return (isSole ? folded(affine.x, node, affine) : undefined) ?? depthwise(node, affine);
    },
    name,
  );
}

/** Before quantization only: a float kernel computes a scale and a shift in the epilogue of what is in front of it. */
export const channelAffine: Pass = {
  name,
  summary: 'make scales and shifts of channels part of convolutions',
  run,
};
