/** Identities of pools and reductions, and their one canonical form for a mean over planes. */
import { makeNode, type Node } from '../../ir/node.ts';
import type { Rule } from '../../ir/rewrite.ts';
import {
  adaptiveAveragePool2d,
  averagePool2d,
  conv2d,
  convTranspose2d,
  globalAveragePool,
  linear,
  maxPool2d,
  reduceMean,
  reshape,
  subsample,
} from '../../ops/index.ts';
import { isFilledWith } from '../constants.ts';
import { rule, standIn } from './rule.ts';

interface Windows {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly number[];
}

/** A pool over windows of one cell only picks cells. In ceil mode its grid could be larger, so the types decide. */
function poolOfOneCell(node: Node, { kernel, stride, padding }: Windows): Node | undefined {
  const [x] = node.inputs;
  if (!x || kernel[0] !== 1 || kernel[1] !== 1 || padding.some((size) => size !== 0)) return undefined;
  return standIn(node, makeNode(subsample, [x], { stride }));
}

const hasOneCell = (x: Node): boolean => x.type.shape[2] === 1 && x.type.shape[3] === 1;

function meanOfPlanes(node: Node, axes: readonly number[], keepDims: boolean): Node | undefined {
  const [x] = node.inputs;
  const isPlanes = axes.length === 2 && axes.includes(2) && axes.includes(3);
  if (!x || x.type.shape.length !== 4 || !isPlanes) return undefined;
  const mean = makeNode(globalAveragePool, [x], {});
  return keepDims ? mean : makeNode(reshape, [mean], { shape: node.type.shape });
}

export const reductionRules: readonly Rule[] = [
  rule('max-pool-of-one-cell', maxPool2d, (node) => poolOfOneCell(node, node.attrs)),
  rule('average-pool-of-one-cell', averagePool2d, (node) => poolOfOneCell(node, node.attrs)),
  rule('global-pool-of-one-cell', globalAveragePool, ({ inputs: [x] }) => (x && hasOneCell(x) ? x : undefined)),
  rule('adaptive-pool-as-global', adaptiveAveragePool2d, (node) => {
    const [x] = node.inputs;
    const { size } = node.attrs;
    return x && size[0] === 1 && size[1] === 1 ? makeNode(globalAveragePool, [x], {}) : undefined;
  }),
  rule('adaptive-pool-to-same', adaptiveAveragePool2d, (node) => standIn(node, node.inputs[0])),
  rule('mean-as-global-pool', reduceMean, (node) => meanOfPlanes(node, node.attrs.axes, node.attrs.keepDims)),
  rule('conv2d-zero-bias', conv2d, ({ inputs: [x, weight, bias], attrs }) =>
    x && weight && isFilledWith(bias, 0) ? makeNode(conv2d, [x, weight], attrs) : undefined,
  ),
  rule('conv-transpose2d-zero-bias', convTranspose2d, ({ inputs: [x, weight, bias], attrs }) =>
    x && weight && isFilledWith(bias, 0) ? makeNode(convTranspose2d, [x, weight], attrs) : undefined,
  ),
  rule('linear-zero-bias', linear, ({ inputs: [x, weight, bias], attrs }) =>
    x && weight && isFilledWith(bias, 0) ? makeNode(linear, [x, weight], attrs) : undefined,
  ),
];
