/** Channels of ops that move elements: every rule is an index map. */
import { dimsEqual, type Dim } from '../../../ir/dim.ts';
import { makeNode, type Node } from '../../../ir/node.ts';
import type { PadAttrs } from '../../../ops/pad.ts';
import {
  channelShuffle,
  concat,
  expand,
  pad,
  pixelShuffle,
  reshape,
  selectChannels,
  slice,
  transpose,
} from '../../../ops/index.ts';
import { chunks, keptShape, onlyAxes, ruleOf, tieWithinGroups, type Entry, type Kept } from '../rule.ts';
import type { AxisChannels, Channels, Ties } from '../ties.ts';
import { reshapedChannels } from './reshape.ts';

/** The parts one after another along an axis; a part that cannot lose any holds its own. */
function joined(parts: readonly Node[], channels: readonly AxisChannels[], axis: number, ties: Ties): AxisChannels {
  if (channels.every((own) => own === undefined)) return undefined;
  const sizes = parts.map(({ type }) => type.shape[axis]);
  if (sizes.some((size) => typeof size !== 'number')) {
    for (const own of channels) ties.pin(own);
    return undefined;
  }
  return channels.flatMap((own, part) => {
    if (own) return [...own];
    const held = ties.fresh(Number(sizes[part]));
    ties.pin(held);
    return held;
  });
}

function concatChannels(node: Node, operands: readonly Channels[], axis: number, ties: Ties): Channels {
  return node.type.shape.map((_, at) => {
    const channels = operands.map((operand) => operand[at]);
    if (at === axis) return joined(node.inputs, channels, axis, ties);
    const [first, ...others] = channels;
    for (const other of others) ties.tie(first, other);
    return channels.some((own) => own === undefined) ? undefined : first;
  });
}

/** How many of the kept indices lie below a place. */
const keptBelow = (kept: readonly number[] | undefined, place: number): number =>
  kept ? kept.filter((index) => index < place).length : place;

const padChannels = (x: Channels, { before, after }: PadAttrs, ties: Ties): Channels =>
  x.map((own, axis) => own && [...ties.fresh(before[axis] ?? 0), ...own, ...ties.fresh(after[axis] ?? 0)]);

function padLeft(node: Node, inputs: readonly Node[], attrs: PadAttrs, kept: Kept): Node {
  const [x] = node.inputs;
  const before = attrs.before.map((count, axis) => keptBelow(kept(node, axis), count));
  const after = attrs.after.map((count, axis) => {
    const own = kept(node, axis);
    const size = Number(x?.type.shape[axis]);
    return own ? own.length - keptBelow(own, (attrs.before[axis] ?? 0) + size) : count;
  });
  return makeNode(pad, inputs, { ...attrs, before, after }, node.origin);
}

/** Where each channel of a shuffle comes from. */
const shuffleSources = (channels: number, groups: number): number[] =>
  Array.from({ length: channels }, (_, place) => (place % groups) * (channels / groups) + Math.floor(place / groups));

/** A selection of the operand's channels, given for the unpruned value, among what is left. */
function selectionLeft(node: Node, sources: readonly number[], inputs: readonly Node[], kept: Kept): Node {
  const [x] = node.inputs;
  const left = x && kept(x, 1);
  const places = new Map(left?.map((index, place) => [index, place]));
  const own = kept(node, 1) ?? [...sources.keys()];
  const indices = own.map((place) => {
    const source = sources[place] ?? -1;
    return source < 0 || !left ? source : (places.get(source) ?? -1);
  });
  return makeNode(selectChannels, inputs, { indices }, node.origin);
}

/** A shuffle where all groups have kept the same, else a selection. */
function shuffleLeft(node: Node, groups: number, inputs: readonly Node[], kept: Kept): Node {
  const channels = Number(node.type.shape[1]);
  const left = new Set(kept(node.inputs[0] ?? node, 1) ?? Array.from({ length: channels }, (_, index) => index));
  const size = channels / groups;
  const masks = chunks(
    Array.from({ length: channels }, (_, index) => Number(left.has(index))),
    size,
  );
  const isEven = masks.every((mask) => mask.join() === masks[0]?.join());
  if (isEven) return makeNode(channelShuffle, inputs, { groups }, node.origin);
  return selectionLeft(node, shuffleSources(channels, groups), inputs, kept);
}

/** Repeated indices are channels of their own: each can go without the others. */
function expandAxis(from: Dim | undefined, own: AxisChannels, to: Dim, ties: Ties): AxisChannels {
  if (from !== undefined && dimsEqual(from, to)) return own;
  ties.pin(own);
  return typeof to === 'number' ? ties.fresh(to) : undefined;
}

export const movement: readonly Entry[] = [
  ruleOf(concat, { channels: (node, operands, ties) => concatChannels(node, operands, node.attrs.axis, ties) }),
  ruleOf(slice, {
    channels: (node, [x = []]) => {
      const { axis, from, to } = node.attrs;
      return x.with(axis, x[axis]?.slice(from, to));
    },
    rebuild: (node, inputs, kept) => {
      const { axis, from, to } = node.attrs;
      const left = node.inputs[0] && kept(node.inputs[0], axis);
      const range = { from: keptBelow(left, from), to: keptBelow(left, to) };
      return makeNode(slice, inputs, { axis, ...range }, node.origin);
    },
  }),
  ruleOf(pad, {
    channels: (node, [x = []], ties) => padChannels(x, node.attrs, ties),
    rebuild: (node, inputs, kept) => padLeft(node, inputs, node.attrs, kept),
  }),
  ruleOf(transpose, { channels: (node, [x = []]) => node.attrs.permutation.map((axis) => x[axis]) }),
  ruleOf(reshape, {
    channels: (node, [x = []], ties) => reshapedChannels(node.inputs[0]?.type.shape ?? [], x, node.type.shape, ties),
    rebuild: (node, inputs, kept) => makeNode(reshape, inputs, { shape: keptShape(node, kept) }, node.origin),
  }),
  ruleOf(channelShuffle, {
    channels: (node, [x = []]) => {
      const own = x[1];
      if (!own) return x;
      return x.with(
        1,
        shuffleSources(own.length, node.attrs.groups).map((source) => own[source] ?? 0),
      );
    },
    rebuild: (node, inputs, kept) => shuffleLeft(node, node.attrs.groups, inputs, kept),
  }),
  ruleOf(selectChannels, {
    channels: (node, [x = []], ties) => {
      const { indices } = node.attrs;
      const own = x[1];
      if (!own) return x;
      return x.with(
        1,
        indices.map((index) => own[index] ?? ties.fresh(1)[0] ?? 0),
      );
    },
    rebuild: (node, inputs, kept) => selectionLeft(node, node.attrs.indices, inputs, kept),
  }),
  ruleOf(pixelShuffle, {
    channels: (node, [x = []], ties) => {
      const [batch, own] = onlyAxes(x, [0, 1], ties);
      const cells = node.attrs.factor ** 2;
      if (own) tieWithinGroups(own, cells, ties);
      return [batch, own?.filter((_, place) => place % cells === 0), undefined, undefined];
    },
  }),
  ruleOf(expand, {
    channels: (node, [x = []], ties) => {
      const from = node.inputs[0]?.type.shape ?? [];
      const lead = node.type.shape.length - from.length;
      return node.type.shape.map((to, axis) => expandAxis(from[axis - lead], x[axis - lead], to, ties));
    },
    rebuild: (node, inputs, kept) => makeNode(expand, inputs, { shape: keptShape(node, kept) }, node.origin),
  }),
];
