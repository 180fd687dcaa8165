/** Union-find over single channels: which must be removed together, and which must stay. */
import type { Node } from '../../ir/node.ts';

/** Channels along one axis, one number each; undefined where nothing of the axis can be removed. */
export type AxisChannels = readonly number[] | undefined;

/** Channels of a value by axis. A number that occurs twice is one channel in two places. */
export type Channels = readonly AxisChannels[];

/** What the rules of ops say about channels. */
export interface Ties {
  /** Channels that nothing ties yet. */
  readonly fresh: (count: number) => number[];
  /** The channels at each place go together; an axis that cannot lose any holds the other one. */
  readonly tie: (a: AxisChannels, b: AxisChannels) => void;
  /** These stay. */
  readonly pin: (channels: AxisChannels) => void;
  /** One number for all channels that are tied to this one. */
  readonly rootOf: (channel: number) => number;
  /** A layer with weights makes these channels: what counts as one layer when channels are ranked. */
  readonly made: (layer: Node, channels: readonly number[]) => void;
}

/** A layer and the channels that it makes. */
export interface Producer {
  readonly layer: Node;
  readonly channels: readonly number[];
}

export interface TiedChannels extends Ties {
  readonly isPinned: (channel: number) => boolean;
  readonly producers: readonly Producer[];
}

export function tieChannels(): TiedChannels {
  const parents: number[] = [];
  const pinned = new Set<number>();
  const producers: Producer[] = [];
  const rootOf = (channel: number): number => {
    let root = channel;
    for (let next = parents[root]; next !== undefined && next !== root; next = parents[root]) root = next;
    for (let at = channel; at !== root;) {
      const next = parents[at] ?? root;
      parents[at] = root;
      at = next;
    }
    return root;
  };
  const join = (a: number, b: number): void => {
    const [first, second] = [rootOf(a), rootOf(b)];
    if (first === second) return;
    // The smaller number leads, so that the order of classes is that of the graph.
    const [root, other] = first < second ? [first, second] : [second, first];
    parents[other] = root;
    if (pinned.delete(other)) pinned.add(root);
  };
  const pin = (channels: AxisChannels): void => {
    for (const channel of channels ?? []) pinned.add(rootOf(channel));
  };
  return {
    fresh: (count) => {
      const from = parents.length;
      for (let channel = from; channel < from + count; channel++) parents.push(channel);
      return parents.slice(from);
    },
    tie: (a, b) => {
      if (!a || !b) return pin(a ?? b);
      if (a.length !== b.length) throw new RangeError(`${a.length} channels cannot be tied to ${b.length}`);
      for (const [place, channel] of a.entries()) join(channel, b[place] ?? channel);
    },
    pin,
    rootOf,
    made: (layer, channels) => producers.push({ layer, channels }),
    isPinned: (channel) => pinned.has(rootOf(channel)),
    producers,
  };
}
