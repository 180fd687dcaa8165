/** `split-reductions`: long sums become sums of parts and a short sum of those, so that many invocations share them. */
import { shapesEqual } from '../ir/dim.ts';
import { makeNode, rootsOf, usersOf, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { rewriteGraph } from '../ir/rewrite.ts';
import {
  channelMoments,
  channelSums,
  mergeMoments,
  mul,
  partialMoments,
  partialSums,
  partialTotals,
  reduceMean,
  reduceSum,
  reshape,
  sumSlices,
} from '../ops/index.ts';
import type { ReduceAttrs } from '../ops/rules/reduce.ts';
import { constantNode } from './constants.ts';
import type { Pass } from './pass.ts';

const name = 'split-reductions';

/** Pixels that are worth a part of their own, and quadruples of elements. */
const [leastPixels, leastQuads] = [512, 1024];
/** Parts beyond which the sum of the parts would take longer than it saves. */
const mostParts = 256;

/** The sizes of a value that has no symbols. */
function sizesOf({ type }: Node): readonly number[] | undefined {
  const sizes = type.shape.filter((size) => typeof size === 'number');
  return sizes.length === type.shape.length ? sizes : undefined;
}

interface Parts {
  /** Rows of pixels in a part, and its pixels. */
  readonly rows: number;
  readonly part: number;
  readonly parts: number;
  /** Pixels of one channel in all. */
  readonly count: number;
}

/** How to part the pixels of `[N, C, ...]`; undefined where one part is best. */
function partsOf(x: Node): Parts | undefined {
  const sizes = sizesOf(x);
  if (!sizes || sizes.length < 2) return undefined;
  const pixels = sizes.with(1, 1);
  const columns = sizes.length > 2 ? (sizes.at(-1) ?? 1) : 1;
  const count = pixels.reduce((product, size) => product * size, 1);
  const all = count / columns;
  const wanted = Math.min(mostParts, Math.floor(count / leastPixels));
  if (wanted < 2) return undefined;
  const rows = Math.ceil(all / wanted);
  const parts = Math.ceil(all / rows);
  return parts < 2 ? undefined : { rows, part: rows * columns, parts, count };
}

function splitMoments(x: Node): Node | undefined {
  const split = partsOf(x);
  if (!split) return undefined;
  const partials = makeNode(partialMoments, [x], { rows: split.rows });
  return makeNode(mergeMoments, [partials], { count: split.count, part: split.part });
}

/** The sums of each channel, `[1, C]`, or the two of `channelSums`. */
function splitSums(operands: readonly Node[]): Node | undefined {
  const [g] = operands;
  const split = g && partsOf(g);
  if (!split) return undefined;
  const partials = makeNode(partialSums, operands, { rows: split.rows });
  return makeNode(sumSlices, [partials], { slices: split.parts });
}

function scaled(x: Node, factor: number): Node {
  if (factor === 1) return x;
  const shape = x.type.shape.map(() => 1);
  return makeNode(mul, [x, constantNode({ dtype: 'f32', shape, data: Float32Array.of(factor) })], {});
}

const refitted = (x: Node, { type: { shape } }: Node): Node =>
  shapesEqual(x.type.shape, shape) ? x : makeNode(reshape, [x], { shape });

/** A sum or mean over all axes but that of the channels; short ones only keep their axes, which a kernel can take. */
function splitChannelSum(node: Node<ReduceAttrs>, x: Node, count: number): Node | undefined {
  const { axes, keepDims } = node.attrs;
  const rank = x.type.shape.length;
  if (rank < 2 || axes.length !== rank - 1 || axes.includes(1)) return undefined;
  const sums = splitSums([x]);
  if (sums) return refitted(scaled(sums, isOp(node, reduceMean) ? 1 / count : 1), node);
  return keepDims ? undefined : refitted(makeNode(node.op, [x], { axes, keepDims: true }), node);
}

/** The factors of a product that nothing else reads: a sum of products needs no memory for them. */
function factorsOf(x: Node, readOnce: (node: Node) => boolean): readonly Node[] {
  const isProduct = isOp(x, mul) && readOnce(x) && x.inputs.every((factor) => sameSizes(factor, x));
  return isProduct ? x.inputs : [x];
}

const sameSizes = (a: Node, b: Node): boolean => {
  const [x, y] = [sizesOf(a), sizesOf(b)];
  return a.op.name !== 'constant' && x !== undefined && x.join() === y?.join();
};

/** A sum or mean of all elements. */
function splitTotal(node: Node<ReduceAttrs>, x: Node, readOnce: (node: Node) => boolean): Node | undefined {
  const sizes = sizesOf(x);
  if (!sizes || sizes.length < 2 || node.type.shape.some((size) => size !== 1)) return undefined;
  const elements = sizes.reduce((product, size) => product * size, 1);
  const channels = sizes[1] ?? 1;
  const quads = (elements / channels) * Math.ceil(channels / 4);
  const factors = factorsOf(x, readOnce);
  const parts = Math.min(mostParts, Math.max(1, Math.floor(quads / leastQuads)));
  if (parts === 1 && factors.length === 1) return undefined;
  const partials = makeNode(partialTotals, factors, { chunk: Math.ceil(quads / parts) });
  const total = parts === 1 ? partials : makeNode(reduceSum, [partials], { axes: [0, 1], keepDims: true });
  return refitted(scaled(total, isOp(node, reduceMean) ? 1 / elements : 1), node);
}

export const splitReductions: Pass = {
  name,
  summary: 'part long sums, so that many invocations share them',
  run: (graph) => {
    const users = usersOf(graph);
    const roots = new Set(rootsOf(graph));
    return rewriteGraph(
      graph,
      (node, original) => {
        const [x] = node.inputs;
        if (!x) return undefined;
        if (node.op.name === channelMoments.name) return splitMoments(x);
        if (node.op.name === channelSums.name) return splitSums(node.inputs);
        if (!isOp(node, reduceSum) && !isOp(node, reduceMean)) return undefined;
        const source = original.inputs[0] ?? x;
        const readOnce = (): boolean => !roots.has(source) && users.get(source)?.length === 1;
        const count = node.attrs.axes.reduce((product, axis) => product * Number(x.type.shape[axis]), 1);
        return splitTotal(node, x, readOnce) ?? splitChannelSum(node, x, count);
      },
      name,
    );
  },
};
