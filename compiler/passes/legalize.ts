/** `legalize`: forms that no kernel takes become chains of forms that kernels take, with the same value. */
import { productOf, shapesEqual, type Dim } from '../ir/dim.ts';
import { isConstant } from '../ir/leaves.ts';
import { makeNode, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { rewriteGraph } from '../ir/rewrite.ts';
import {
  concat,
  dropout,
  globalAveragePool,
  groupNorm,
  layerNorm,
  linear,
  logSoftmax,
  reduceMean,
  reshape,
  softmax,
  transpose,
} from '../ops/index.ts';
import { constantNode } from './constants.ts';
import type { Pass } from './pass.ts';

/** A kernel binds at most eight storage buffers, one of them its result. */
const mostParts = 7;

const reshaped = (node: Node, shape: readonly Dim[]): Node => makeNode(reshape, [node], { shape });

/** The same, without a node where the shape is right already or the value a constant. */
function refitted(node: Node, shape: readonly Dim[]): Node {
  if (shapesEqual(node.type.shape, shape)) return node;
  if (!isConstant(node)) return reshaped(node, shape);
  return constantNode({ ...node.attrs.tensor, shape: shape.map(Number) }, node.attrs.name, node.origin);
}

/** `linear` contracts the last axis of any rank; kernels take rows `[N, K]`. */
function flattenLinear(node: Node): Node | undefined {
  const [x, ...weights] = node.inputs;
  if (!isOp(node, linear) || !x || x.type.shape.length === 2) return undefined;
  const rows = productOf(x.type.shape.slice(0, -1));
  const flat = makeNode(linear, [reshaped(x, [rows, x.type.shape.at(-1) ?? 1]), ...weights], {});
  return reshaped(flat, node.type.shape);
}

/** Channels lie next to each other in memory, so `softmax` and its logarithm run along axis 1. */
function turnSoftmax(node: Node): Node | undefined {
  const [x] = node.inputs;
  const op = isOp(node, softmax) ? softmax : logSoftmax;
  if (!isOp(node, op) || !x || node.attrs.axis === 1) return undefined;
  const { shape } = x.type;
  if (shape.length === 1) return reshaped(makeNode(op, [reshaped(x, [1, ...shape])], { axis: 1 }), shape);
  const { axis } = node.attrs;
  const permutation = shape.map((_, index) => (index === 1 ? axis : index === axis ? 1 : index));
  const turned = makeNode(op, [makeNode(transpose, [x], { permutation })], { axis: 1 });
  return makeNode(transpose, [turned], { permutation });
}

/** The normalised axes of `layerNorm` as the channels of a matrix: one group of `groupNorm` a row. */
function flattenLayerNorm(node: Node): Node | undefined {
  const [x, gamma, beta] = node.inputs;
  if (!isOp(node, layerNorm) || !x || !gamma || !beta) return undefined;
  const columns = productOf(gamma.type.shape);
  const rows = productOf(x.type.shape.slice(0, -gamma.type.shape.length));
  const operands = [refitted(x, [rows, columns]), refitted(gamma, [columns]), refitted(beta, [columns])];
  return refitted(makeNode(groupNorm, operands, { groups: 1, eps: node.attrs.eps }), x.type.shape);
}

/** A value of lower rank has its axes elsewhere in memory than the result has. */
function alignRanks(node: Node): Node | undefined {
  if (!node.op.scalar || node.inputs.length < 2) return undefined;
  const rank = node.type.shape.length;
  const aligned = node.inputs.map((input) => {
    const missing = rank - input.type.shape.length;
    if (missing === 0 || isConstant(input)) return input;
    return reshaped(input, [...Array.from({ length: missing }, () => 1), ...input.type.shape]);
  });
  return aligned.every((input, index) => input === node.inputs[index])
    ? undefined
    : makeNode(node.op, aligned, node.attrs);
}

function splitConcat(node: Node): Node | undefined {
  if (!isOp(node, concat) || node.inputs.length <= mostParts) return undefined;
  const parts: Node[] = [];
  for (let first = 0; first < node.inputs.length; first += mostParts) {
    const inputs = node.inputs.slice(first, first + mostParts);
    parts.push(inputs.length === 1 && inputs[0] ? inputs[0] : makeNode(concat, inputs, node.attrs));
  }
  const joined = makeNode(concat, parts, node.attrs);
  return splitConcat(joined) ?? joined;
}

function poolMean(node: Node): Node | undefined {
  const [x] = node.inputs;
  if (!isOp(node, reduceMean) || x?.type.shape.length !== 4) return undefined;
  if (node.attrs.axes.toSorted((a, b) => a - b).join() !== '2,3') return undefined;
  const pooled = makeNode(globalAveragePool, [x], {});
  return node.attrs.keepDims ? pooled : reshaped(pooled, node.type.shape);
}

const dropDropout = (node: Node): Node | undefined => (isOp(node, dropout) ? node.inputs[0] : undefined);

const rules = [dropDropout, flattenLinear, turnSoftmax, flattenLayerNorm, alignRanks, splitConcat, poolMean];

export const legalize: Pass = {
  name: 'legalize',
  summary: 'rewrite forms that no kernel takes',
  run: (graph) =>
    rewriteGraph(
      graph,
      (node) => {
        for (const rule of rules) {
          const replacement = rule(node);
          if (replacement) return replacement;
        }
        return undefined;
      },
      'legalize',
    ),
};
