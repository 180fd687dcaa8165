/** `widen-slices`: a convolution reads whole vec4 around a channel slice and multiplies the extra channels by zero. */
import { isConstant } from '../ir/leaves.ts';
import { makeNode, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { rewriteGraph } from '../ir/rewrite.ts';
import type { Tensor } from '../ir/type.ts';
import { conv2d, slice } from '../ops/index.ts';
import { constantNode } from './constants.ts';
import type { Pass } from './pass.ts';

const name = 'widen-slices';

/** A weight `[O, I, ...]` with zero input channels in front and behind. */
function paddedWeight(weight: Tensor, before: number, after: number): Tensor {
  const [outputs = 1, inputs = 1, height = 1, width = 1] = weight.shape;
  const taps = height * width;
  const wide = before + inputs + after;
  const data = new Float32Array(outputs * wide * taps);
  for (let o = 0; o < outputs; o++) {
    data.set(weight.data.subarray(o * inputs * taps, (o + 1) * inputs * taps), (o * wide + before) * taps);
  }
  return { dtype: weight.dtype, shape: [outputs, wide, height, width], data };
}

// Channels lie in groups of four, so a slice on those borders is a view, and any other one a copy.
function widen(node: Node): Node | undefined {
  const [data, weight, ...bias] = node.inputs;
  if (!isOp(node, conv2d) || node.attrs.groups !== 1 || !data || !weight || !isConstant(weight)) return undefined;
  const [source] = data.inputs;
  if (!isOp(data, slice) || data.attrs.axis !== 1 || !source) return undefined;
  const channels = Number(source.type.shape[1]);
  const { axis, from, to } = data.attrs;
  const [start, end] = [Math.floor(from / 4) * 4, Math.min(Math.ceil(to / 4) * 4, channels)];
  if (start === from && end === to) return undefined;
  const wide = makeNode(slice, [source], { axis, from: start, to: end });
  const padded = constantNode(paddedWeight(weight.attrs.tensor, from - start, end - to), weight.attrs.name);
  return makeNode(conv2d, [start === 0 && end === channels ? source : wide, padded, ...bias], node.attrs);
}

export const widenSlices: Pass = {
  name,
  summary: 'let convolutions read channel slices in place',
  run: (graph) => rewriteGraph(graph, widen, name),
};
