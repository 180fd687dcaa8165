/** `split-bias`: a bias, scale or shift that is not constant leaves its layer, whose kernels pack constants alone. */
import { isConstant } from '../ir/leaves.ts';
import { makeNode, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { rewriteGraph } from '../ir/rewrite.ts';
import { add, conv2d, convTranspose2d, groupNorm, linear, mul, reshape } from '../ops/index.ts';
import { constantNode } from './constants.ts';
import { channelShape } from './expand-batch-norm.ts';
import type { Pass } from './pass.ts';

const name = 'split-bias';

const isComputed = (node: Node | undefined): node is Node => node !== undefined && !isConstant(node);

/** The layer's sum plus its bias along `axis`; an epilogue takes the addition in again. */
function splitSum(node: Node, axis: number): Node | undefined {
  const [x, weight, bias] = node.inputs;
  if (!x || !weight || !isComputed(bias)) return undefined;
  const shape = node.type.shape.map((size, index) => (index === axis ? size : 1));
  return makeNode(add, [makeNode(node.op, [x, weight], node.attrs), makeNode(reshape, [bias], { shape })], {});
}

/** The normalised values times gamma plus beta, where the normalisation itself has ones and zeros. */
function splitAffine(node: Node): Node | undefined {
  const [x, gamma, beta] = node.inputs;
  if (!x || !gamma || !beta || (isConstant(gamma) && isConstant(beta))) return undefined;
  const channels = Number(gamma.type.shape[0]);
  const filled = (value: number): Node =>
    constantNode({ dtype: 'f32', shape: [channels], data: new Float32Array(channels).fill(value) });
  const normalised = makeNode(node.op, [x, filled(1), filled(0)], node.attrs);
  const [scale, shift] = [gamma, beta].map((operand) => makeNode(reshape, [operand], { shape: channelShape(x) }));
  return scale && shift && makeNode(add, [makeNode(mul, [normalised, scale], {}), shift], {});
}

function visit(node: Node): Node | undefined {
  if (isOp(node, conv2d) || isOp(node, convTranspose2d)) return splitSum(node, 1);
  if (isOp(node, linear)) return splitSum(node, node.type.shape.length - 1);
  return isOp(node, groupNorm) ? splitAffine(node) : undefined;
}

export const splitBias: Pass = {
  name,
  summary: 'add computed biases, and apply computed scales and shifts, outside of the layers',
  run: (graph) => rewriteGraph(graph, visit, name),
};
