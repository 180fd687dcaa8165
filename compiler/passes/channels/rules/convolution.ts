/**
 * Channels of layers with weights. Axes of a weight are tied to the channels that they read and write; of grouped layers
 * all groups lose alike, and where a group reads one channel (depthwise) whole groups go.
 */
import { makeNode, type Node } from '../../../ir/node.ts';
import { conv2d, convTranspose2d, linear } from '../../../ops/index.ts';
import {
  chunks,
  countOf,
  keptSize,
  ruleOf,
  onlyAxes,
  tieGroups,
  tieWithinGroups,
  type Entry,
  type Kept,
} from '../rule.ts';
import type { AxisChannels, Channels, Ties } from '../ties.ts';

/** What a two-dimensional layer reads: axis 1 of its maps, the axes of its weight that count outputs and inputs. */
interface Layer {
  readonly node: Node;
  readonly groups: number;
  readonly x: AxisChannels;
  readonly outputs: AxisChannels;
  readonly inputs: AxisChannels;
  readonly ties: Ties;
}

/** Channels stay where a weight or a map cannot lose any. */
const orPinned = (channels: AxisChannels, count: number, ties: Ties): readonly number[] => {
  if (channels) return channels;
  const held = ties.fresh(count);
  ties.pin(held);
  return held;
};

/** Weight `[O, C/groups, KH, KW]`. */
function convolved({ node, groups, x, outputs, inputs, ties }: Layer): readonly number[] {
  const [maps, weight] = node.inputs;
  const read = orPinned(x, countOf(maps, 1), ties);
  const made = orPinned(outputs, countOf(weight, 0), ties);
  if (groups > 1 && countOf(weight, 1) === 1) {
    ties.pin(inputs);
    tieWithinGroups(made, made.length / groups, ties);
    ties.tie(
      read,
      made.filter((_, place) => place % (made.length / groups) === 0),
    );
    return made;
  }
  for (const group of chunks(read, read.length / groups)) ties.tie(inputs, group);
  tieGroups(made, groups, ties);
  ties.made(node, made);
  return made;
}

/** Weight `[C, O/groups, KH, KW]`. */
function transposed({ node, groups, x, outputs, inputs, ties }: Layer): readonly number[] {
  const [maps, weight] = node.inputs;
  const read = orPinned(x, countOf(maps, 1), ties);
  ties.tie(inputs, read);
  const perGroup = countOf(weight, 1);
  if (groups > 1 && read.length === groups) {
    ties.pin(outputs);
    return read.flatMap((channel) => Array.from({ length: perGroup }, () => channel));
  }
  tieGroups(read, groups, ties);
  const own = orPinned(outputs, perGroup, ties);
  const made = Array.from({ length: groups }, () => own).flat();
  ties.made(node, made);
  return made;
}

const maps = ([x = []]: readonly Channels[], ties: Ties): AxisChannels[] => onlyAxes(x, [0, 1], ties);

/** As many groups as are left where groups go as a whole. */
const groupsLeft = (node: Node, groups: number, perGroup: number, kept: Kept): number => {
  const [x] = node.inputs;
  return x && perGroup === 1 ? Number(keptSize(x, 1, kept)) : groups;
};

export const convolution: readonly Entry[] = [
  ruleOf(conv2d, {
    channels: (node, operands, ties) => {
      const [batch, x] = maps(operands, ties);
      const [outputs, inputs] = onlyAxes(operands[1] ?? [], [0, 1], ties);
      const made = convolved({ node, groups: node.attrs.groups, x, outputs, inputs, ties });
      if (node.inputs.length > 2) ties.tie(operands[2]?.[0], made);
      return [batch, made, undefined, undefined];
    },
    rebuild: (node, inputs, kept) => {
      const groups =
        node.attrs.groups === 1 ? 1 : groupsLeft(node, node.attrs.groups, countOf(node.inputs[1], 1), kept);
      return makeNode(conv2d, inputs, { ...node.attrs, groups }, node.origin);
    },
  }),
  ruleOf(convTranspose2d, {
    channels: (node, operands, ties) => {
      const [batch, x] = maps(operands, ties);
      const [inputs, outputs] = onlyAxes(operands[1] ?? [], [0, 1], ties);
      const made = transposed({ node, groups: node.attrs.groups, x, outputs, inputs, ties });
      if (node.inputs.length > 2) ties.tie(operands[2]?.[0], made);
      return [batch, made, undefined, undefined];
    },
    rebuild: (node, inputs, kept) => {
      const { groups } = node.attrs;
      const left = groups === 1 ? 1 : groupsLeft(node, groups, countOf(node.inputs[0], 1) / groups, kept);
      return makeNode(convTranspose2d, inputs, { ...node.attrs, groups: left }, node.origin);
    },
  }),
  ruleOf(linear, {
    channels: (node, [x = [], weight = [], bias], ties) => {
      ties.tie(x.at(-1), weight[1]);
      const made = orPinned(weight[0], countOf(node.inputs[1], 0), ties);
      if (bias) ties.tie(bias[0], made);
      ties.made(node, made);
      return [...x.slice(0, -1), made];
    },
  }),
];
