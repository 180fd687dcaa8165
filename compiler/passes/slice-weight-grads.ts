/** `slice-weight-grads`: a sum over all pixels of a batch becomes partial sums that run side by side, and their sum. */
import { makeNode, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { rewriteGraph } from '../ir/rewrite.ts';
import { conv2dWeightGrad, sumSlices } from '../ops/index.ts';
import type { Pass } from './pass.ts';

const name = 'slice-weight-grads';

/** Weights that one invocation makes, about; pieces of work that keep a device busy; least pixels of one. */
const weightsPerTile = 96;
const wantedPieces = 2048;
const leastPixels = 256;
/** The same of a depthwise convolution, whose gradient is a small one. */
const leastDepthwise = 64;
/** Most products that one float32 adds up: its rounding errors grow with their number. */
const mostPixels = 4096;

/** Partial sums of a weight gradient: whole images where there are enough, else whole rows. */
export function sliceCount(node: Node): number {
  const shape = node.inputs[1]?.type.shape ?? [];
  if (!isOp(node, conv2dWeightGrad) || !shape.every((size) => typeof size === 'number')) return 1;
  const [batch = 1, , height = 1, width = 1] = shape;
  const pixels = batch * height * width;
  const weights = node.type.shape.map(Number).reduce((product, size) => product * size, 1);
  const least = node.type.shape[1] === 1 && node.attrs.groups > 1 ? leastDepthwise : leastPixels;
  const pieces = Math.min((wantedPieces * weightsPerTile) / weights, pixels / least);
  const slices = Math.ceil(Math.max(pieces, pixels / mostPixels, 1));
  const unit = slices <= batch ? batch : batch * height;
  return Math.ceil(unit / Math.ceil(unit / slices));
}

function split(node: Node): Node | undefined {
  if (!isOp(node, conv2dWeightGrad) || node.attrs.slices !== undefined) return undefined;
  const slices = sliceCount(node);
  if (slices === 1) return undefined;
  return makeNode(sumSlices, [makeNode(conv2dWeightGrad, node.inputs, { ...node.attrs, slices })], { slices });
}

export const sliceWeightGrads: Pass = {
  name,
  summary: 'split the sums of weight gradients so that they fill a device and round little',
  run: (graph) => rewriteGraph(graph, split, name),
};
