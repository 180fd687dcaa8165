/**
 * Which channels of a network can be removed, and which only together (DepGraph, Fang et al. 2023, per single channel):
 * a walk over the graph in which each op's rule ties the channels of its result to those of its operands.
 */
import { isParameter, type ParameterAttrs } from '../../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../../ir/node.ts';
import { channelRules } from './rules/index.ts';
import { tieChannels, type Channels, type TiedChannels } from './ties.ts';

/** One index of one axis of a parameter. */
export interface ChannelMember {
  readonly parameter: Node<ParameterAttrs>;
  readonly axis: number;
  readonly index: number;
}

/** Channels that are removed together; each parameter has an index in `members`. */
export interface ChannelClass {
  readonly id: number;
  readonly members: readonly ChannelMember[];
  /** Position in `groups`. */
  readonly group: number;
}

/** Classes that stem from the same layers: what `round_to`, `max_ratio` and local ranking speak of. */
export interface ChannelGroup {
  readonly layers: readonly Node[];
  readonly classes: readonly ChannelClass[];
  /** Output channels of the first layer in one class: more than one in grouped convolutions. */
  readonly width: number;
}

export interface ChannelAnalysis {
  readonly graph: Graph;
  /** All that can be removed, in the order of the graph; `id` is the position. */
  readonly classes: readonly ChannelClass[];
  readonly groups: readonly ChannelGroup[];
  /** The classes along each axis of a value, -1 for channels that stay: not all of an axis can go. */
  readonly axes: readonly (readonly number[])[];
  /** The classes of a value's axis, -1 for channels that stay; undefined where all do. */
  readonly classesOf: (node: Node, axis: number) => readonly number[] | undefined;
}

function channelsOf(graph: Graph, ties: TiedChannels): Map<Node, Channels> {
  const channels = new Map<Node, Channels>();
  for (const node of topologicalOrder(graph)) channels.set(node, channelsOfNode(node, channels, ties));
  for (const output of Object.values(graph.outputs)) for (const axis of channels.get(output) ?? []) ties.pin(axis);
  return channels;
}

function channelsOfNode(node: Node, known: ReadonlyMap<Node, Channels>, ties: TiedChannels): Channels {
  const { shape } = node.type;
  if (node.op.name === 'parameter' || node.op.name === 'constant') {
    return shape.map((size) => (typeof size === 'number' ? ties.fresh(size) : undefined));
  }
  const operands = node.inputs.map((input) => known.get(input) ?? []);
  const rule = channelRules.get(node.op.name);
  if (rule) return rule.channels(node, operands, ties);
  for (const axis of operands.flat()) ties.pin(axis);
  return shape.map(() => undefined);
}

/** Members by the root of their channel; an axis of a parameter that no layer makes or reads is no channel. */
function membersByRoot(channels: ReadonlyMap<Node, Channels>, ties: TiedChannels): Map<number, ChannelMember[]> {
  const members = new Map<number, ChannelMember[]>();
  for (const [parameter, axes] of channels) {
    if (!isParameter(parameter)) continue;
    for (const [axis, own] of axes.entries()) {
      for (const [index, channel] of own?.entries() ?? []) {
        const root = ties.rootOf(channel);
        const list = members.get(root);
        if (list) list.push({ parameter, axis, index });
        else members.set(root, [{ parameter, axis, index }]);
      }
    }
  }
  return members;
}

/** The layers that make each class, by root. */
function layersByRoot(ties: TiedChannels): Map<number, Node[]> {
  const layers = new Map<number, Node[]>();
  for (const { layer, channels } of ties.producers) {
    for (const root of new Set(channels.map(ties.rootOf))) layers.set(root, [...(layers.get(root) ?? []), layer]);
  }
  return layers;
}

/** Throws nothing; a graph in which nothing can be removed has no classes. */
export function analyzeChannels(graph: Graph): ChannelAnalysis {
  const ties = tieChannels();
  const channels = channelsOf(graph, ties);
  const members = membersByRoot(channels, ties);
  const layers = layersByRoot(ties);
  const free = [...members.keys()].filter((root) => !ties.isPinned(root)).toSorted((a, b) => a - b);
  const idOf = new Map(free.map((root, id) => [root, id]));
  const groupOf = new Map<string, number>();
  const classes = free.map((root, id): ChannelClass => {
    const key = (layers.get(root) ?? []).map((layer) => layer.id).join();
    const group = groupOf.get(key) ?? groupOf.size;
    groupOf.set(key, group);
    return { id, members: members.get(root) ?? [], group };
  });
  const classesOf = (node: Node, axis: number): readonly number[] | undefined => {
    const ids = channels.get(node)?.[axis]?.map((channel) => idOf.get(ties.rootOf(channel)) ?? -1);
    return ids?.some((id) => id >= 0) ? ids : undefined;
  };
  const groups = [...groupOf.values()].map((group): ChannelGroup => {
    const own = classes.filter((each) => each.group === group);
    const root = free[own[0]?.id ?? -1] ?? -1;
    const made = layers.get(root) ?? [];
    const [first] = ties.producers.filter(({ layer }) => layer === made[0]);
    const width = first?.channels.filter((channel) => ties.rootOf(channel) === root).length ?? 1;
    return { layers: made, classes: own, width: Math.max(1, width) };
  });
  return { graph, classes, groups, axes: axesOf(channels, classesOf), classesOf };
}

/** Each distinct list of classes along an axis, once. */
function axesOf(
  channels: ReadonlyMap<Node, Channels>,
  classesOf: (node: Node, axis: number) => readonly number[] | undefined,
): (readonly number[])[] {
  const axes = new Map<string, readonly number[]>();
  for (const [node, own] of channels) {
    for (const axis of own.keys()) {
      const classes = classesOf(node, axis);
      if (classes) axes.set(classes.join(), classes);
    }
  }
  return [...axes.values()];
}
