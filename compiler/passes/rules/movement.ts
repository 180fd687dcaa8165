/** Identities of ops that only move elements: reshape, transpose, slice, pad, subsample, concat, shuffles, resize. */
import { shapesEqual } from '../../ir/dim.ts';
import { makeNode, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { Rule } from '../../ir/rewrite.ts';
import {
  channelShuffle,
  concat,
  conv2d,
  pad,
  pixelShuffle,
  reshape,
  resize,
  slice,
  subsample,
  transpose,
} from '../../ops/index.ts';
import { rule, standIn } from './rule.ts';

const isZero = (value: number): boolean => value === 0;

const reshapeRules: readonly Rule[] = [
  rule('reshape-to-same', reshape, (node) => standIn(node, node.inputs[0])),
  rule('reshape-of-reshape', reshape, ({ inputs: [x], attrs }) =>
    x && isOp(x, reshape) ? makeNode(reshape, x.inputs, attrs) : undefined,
  ),
];

const transposeRules: readonly Rule[] = [
  rule('transpose-to-same', transpose, ({ inputs: [x], attrs }) =>
    attrs.permutation.every((from, axis) => from === axis) ? x : undefined,
  ),
  // Axis i of the outer result is axis outer[i] of the inner one, which is axis inner[outer[i]] of the operand.
  rule('transpose-of-transpose', transpose, ({ inputs: [x], attrs }) => {
    if (!x || !isOp(x, transpose)) return undefined;
    return makeNode(transpose, x.inputs, {
      permutation: attrs.permutation.map((axis) => x.attrs.permutation[axis] ?? 0),
    });
  }),
];

/** The operand of a concat in which a slice lies, as a slice of that operand. */
function sliceOfConcat(node: Node, axis: number, from: number, to: number): Node | undefined {
  let start = 0;
  for (const part of node.inputs) {
    const size = part.type.shape[axis];
    if (typeof size !== 'number') return undefined;
    if (from >= start && to <= start + size)
      return makeNode(slice, [part], { axis, from: from - start, to: to - start });
    start += size;
  }
  return undefined;
}

const sliceRules: readonly Rule[] = [
  rule('slice-of-everything', slice, (node) => standIn(node, node.inputs[0])),
  rule('slice-of-slice', slice, ({ inputs: [x], attrs: { axis, from, to } }) => {
    if (!x || !isOp(x, slice) || x.attrs.axis !== axis) return undefined;
    return makeNode(slice, x.inputs, { axis, from: x.attrs.from + from, to: x.attrs.from + to });
  }),
  rule('slice-of-concat', slice, ({ inputs: [x], attrs: { axis, from, to } }) =>
    x && isOp(x, concat) && x.attrs.axis === axis ? sliceOfConcat(x, axis, from, to) : undefined,
  ),
];

const padRules: readonly Rule[] = [
  rule('pad-by-nothing', pad, ({ inputs: [x], attrs }) =>
    attrs.before.every(isZero) && attrs.after.every(isZero) ? x : undefined,
  ),
  rule('pad-of-pad', pad, ({ inputs: [x], attrs: { before, after, value } }) => {
    if (!x || !isOp(x, pad) || !Object.is(x.attrs.value, value)) return undefined;
    const inner = x.attrs;
    return makeNode(pad, x.inputs, {
      before: before.map((size, axis) => size + (inner.before[axis] ?? 0)),
      after: after.map((size, axis) => size + (inner.after[axis] ?? 0)),
      value,
    });
  }),
  rule('pad-into-conv2d', conv2d, ({ inputs: [x, ...rest], attrs }) => {
    if (!x || !isOp(x, pad) || x.attrs.value !== 0) return undefined;
    const [[n1, c1, top, left], [n2, c2, bottom, right]] = [x.attrs.before, x.attrs.after];
    if ([n1, c1, n2, c2].some((size) => size !== 0)) return undefined;
    const extra = [top, left, bottom, right];
    const grown = (side: 0 | 1 | 2 | 3): number => attrs.padding[side] + (extra[side] ?? 0);
    return makeNode(conv2d, [...x.inputs, ...rest], { ...attrs, padding: [grown(0), grown(1), grown(2), grown(3)] });
  }),
];

const subsampleRules: readonly Rule[] = [
  rule('subsample-by-one', subsample, ({ inputs: [x], attrs: { stride } }) =>
    stride[0] === 1 && stride[1] === 1 ? x : undefined,
  ),
  rule('subsample-of-subsample', subsample, ({ inputs: [x], attrs: { stride } }) => {
    if (!x || !isOp(x, subsample)) return undefined;
    const inner = x.attrs.stride;
    return makeNode(subsample, x.inputs, { stride: [stride[0] * inner[0], stride[1] * inner[1]] });
  }),
];

/** One group and groups of one channel both keep every channel in place. */
const shuffleOfNothing = rule('shuffle-of-nothing', channelShuffle, ({ inputs: [x], attrs: { groups } }) =>
  x && (groups === 1 || shapesEqual([groups], [x.type.shape[1] ?? 0])) ? x : undefined,
);

export const movementRules: readonly Rule[] = [
  ...reshapeRules,
  ...transposeRules,
  ...sliceRules,
  ...padRules,
  ...subsampleRules,
  rule('concat-of-one', concat, ({ inputs }) => (inputs.length === 1 ? inputs[0] : undefined)),
  shuffleOfNothing,
  rule('pixel-shuffle-by-one', pixelShuffle, ({ inputs: [x], attrs }) => (attrs.factor === 1 ? x : undefined)),
  rule('resize-to-same', resize, (node) => standIn(node, node.inputs[0])),
];
