/** `expand-batch-norm`: batch norm by parameters that are not constant becomes elementwise ops on `[1, C, 1, 1]`. */
import type { Dim } from '../ir/dim.ts';
import { isConstant } from '../ir/leaves.ts';
import { makeNode, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { rewriteGraph } from '../ir/rewrite.ts';
import { add, batchNorm, batchNormTraining, mul, reshape, rsqrt, slice, sub } from '../ops/index.ts';
import { constantNode } from './constants.ts';
import type { Pass } from './pass.ts';

const name = 'expand-batch-norm';

/** The shape in which one value a channel lies over `x`. */
export const channelShape = (x: Node): readonly Dim[] => x.type.shape.map((size, axis) => (axis === 1 ? size : 1));

interface Parameters {
  readonly gamma: Node;
  readonly beta: Node;
  readonly mean: Node;
  readonly variance: Node;
  readonly eps: number;
}

/**
 * `(x - mean) * (gamma * rsqrt(variance + eps)) + beta`. The mean is taken off first: folded into the shift, a mean
 * that is large beside the deviation would cost the result its digits.
 */
function expand(x: Node, { gamma, beta, mean, variance, eps }: Parameters): Node {
  const shape = channelShape(x);
  const perChannel = (node: Node): Node => makeNode(reshape, [node], { shape });
  const floor = constantNode({ dtype: 'f32', shape: shape.map(() => 1), data: Float32Array.of(eps) });
  const deviation = makeNode(rsqrt, [makeNode(add, [perChannel(variance), floor], {})], {});
  const scale = makeNode(mul, [perChannel(gamma), deviation], {});
  const centred = makeNode(sub, [x, perChannel(mean)], {});
  return makeNode(add, [makeNode(mul, [centred, scale], {}), perChannel(beta)], {});
}

function visit(node: Node): Node | undefined {
  if (isOp(node, batchNorm)) {
    const [x, gamma, beta, mean, variance] = node.inputs;
    if (!x || !gamma || !beta || !mean || !variance || node.inputs.slice(1).every(isConstant)) return undefined;
    return expand(x, { gamma, beta, mean, variance, eps: node.attrs.eps });
  }
  if (!isOp(node, batchNormTraining)) return undefined;
  const [x, moments, gamma, beta] = node.inputs;
  if (!x || !moments || !gamma || !beta) return undefined;
  const row = (from: number): Node => makeNode(slice, [moments], { axis: 0, from, to: from + 1 });
  return expand(x, { gamma, beta, mean: row(0), variance: row(1), eps: node.attrs.eps });
}

export const expandBatchNorm: Pass = {
  name,
  summary: 'write batch norm by learned or measured parameters as elementwise ops',
  run: (graph) => rewriteGraph(graph, visit, name),
};
