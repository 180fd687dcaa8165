/** Identities of ops that only move elements: reshape, transpose, slice, pad, subsample, concat, shuffles, selections, resize. */
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
  selectChannels,
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

/** Maximal runs of a selection: consecutive channels, or zeros (`from` -1). */
function runsOf(indices: readonly number[]): { readonly from: number; readonly count: number }[] {
  const runs: { from: number; count: number }[] = [];
  for (const index of indices) {
    const run = runs.at(-1);
    const follows = run && (run.from < 0 ? index < 0 : index === run.from + run.count);
    if (follows) run.count++;
    else runs.push({ from: index, count: 1 });
  }
  return runs;
}

/** A selection of one run of channels, with zeros in front of and behind it, is a slice and a pad. */
function selectionAsSlice(x: Node, indices: readonly number[]): Node | undefined {
  const runs = runsOf(indices);
  const [run, ...more] = runs.filter(({ from }) => from >= 0);
  if (!run || more.length > 0) return undefined;
  const { from, count } = run;
  const part = makeNode(slice, [x], { axis: 1, from, to: from + count });
  const before = indices.indexOf(from);
  const behind = indices.length - before - count;
  if (before + behind === 0) return part;
  const zeros = x.type.shape.map(() => 0);
  return makeNode(pad, [part], { before: zeros.with(1, before), after: zeros.with(1, behind), value: 0 });
}

/** A selection of two runs, or of all channels over and over, is a concatenation. */
function selectionAsConcat(x: Node, indices: readonly number[]): Node | undefined {
  const runs = runsOf(indices);
  const isWhole = runs.every(({ from, count }) => from === 0 && count === x.type.shape[1]);
  if (runs.some(({ from }) => from < 0) || (runs.length > 2 && !isWhole)) return undefined;
  const parts = runs.map(({ from, count }) => makeNode(slice, [x], { axis: 1, from, to: from + count }));
  return makeNode(concat, parts, { axis: 1 });
}

const selectRules: readonly Rule[] = [
  rule('select-of-select', selectChannels, ({ inputs: [x], attrs: { indices } }) => {
    if (!x || !isOp(x, selectChannels)) return undefined;
    const inner = x.attrs.indices;
    return makeNode(selectChannels, x.inputs, { indices: indices.map((index) => inner[index] ?? -1) });
  }),
  rule('select-a-run', selectChannels, ({ inputs: [x], attrs }) => x && selectionAsSlice(x, attrs.indices)),
  rule('select-two-runs', selectChannels, ({ inputs: [x], attrs }) => x && selectionAsConcat(x, attrs.indices)),
];

export const movementRules: readonly Rule[] = [
  ...reshapeRules,
  ...transposeRules,
  ...sliceRules,
  ...padRules,
  ...subsampleRules,
  rule('concat-of-one', concat, ({ inputs }) => (inputs.length === 1 ? inputs[0] : undefined)),
  shuffleOfNothing,
  ...selectRules,
  rule('pixel-shuffle-by-one', pixelShuffle, ({ inputs: [x], attrs }) => (attrs.factor === 1 ? x : undefined)),
  rule('resize-to-same', resize, (node) => standIn(node, node.inputs[0])),
];
