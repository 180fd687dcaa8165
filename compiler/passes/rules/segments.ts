/**
 * Where the forward part of a training step is cut into segments whose values are recomputed in the backward part (Chen
 * et al. 2016, "Training Deep Nets with Sublinear Memory Cost").
 */
import { makeGraph, topologicalOrder, type Graph, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { reshape } from '../../ops/index.ts';

/** The forward part: what the loss is computed from. */
export interface ForwardPart {
  /** Values that are computed, in order, and the place of each; leaves are none. */
  readonly order: readonly Node[];
  readonly indexOf: ReadonlyMap<Node, number>;
  /** Values worth dropping that the backward part reads. */
  readonly stored: ReadonlySet<Node>;
  /** Whether a value is too small to be worth dropping, as moments and scores are. */
  readonly isSmall: (node: Node) => boolean;
  /** The place of the last forward reader. */
  readonly lastUse: ReadonlyMap<Node, number>;
}

/** The values between two cuts, of which some are computed again. */
export interface Segment {
  /** In order; each reads leaves, small values, what is kept, and earlier ones. */
  readonly copies: readonly Node[];
}

export interface Segmentation {
  /** All segments but the last, whose values the backward part reads at once. */
  readonly dropped: readonly Segment[];
  /** How many segments there are. */
  readonly count: number;
  /** Bytes of the values that are kept and of the largest segment: what decides the peak. */
  readonly bytes: number;
  /** Work that is done twice, for comparison. */
  readonly work: number;
}

/** A value holds at least this share of all that is stored. */
const worthDropping = 1 / 256;

/** What a reshaped value is a view of. */
function sourceOf(node: Node): Node {
  let source = node;
  for (let next = source; isOp(next, reshape); source = next) next = next.inputs[0] ?? next;
  return source;
}

/** Bytes on a device, where channels come in fours. */
function bytesOf({ type: { shape } }: Node): number {
  const [batch = 1, channels = 1, ...rest] = shape.map(Number);
  return rest.reduce((product, size) => product * size, batch * Math.ceil(channels / 4) * 16);
}

const total = (nodes: Iterable<Node>): number => [...nodes].reduce((sum, node) => sum + bytesOf(node), 0);

/** `outputs` names those that the forward part ends with. Sizes must be known. */
export function forwardPart(graph: Graph, outputs: readonly string[]): ForwardPart {
  const ends = outputs.flatMap((name) => graph.outputs[name] ?? []);
  const roots = makeGraph(Object.fromEntries(ends.map((node, index) => [String(index), node])));
  const order = topologicalOrder(roots).filter(({ inputs }) => inputs.length > 0);
  const indexOf = new Map(order.map((node, index) => [node, index]));
  const lastUse = new Map<Node, number>();
  for (const [index, node] of order.entries()) for (const input of node.inputs) lastUse.set(sourceOf(input), index);
  const readers = topologicalOrder(graph).filter((node) => !indexOf.has(node));
  const read = new Set(readers.flatMap(({ inputs }) => inputs.map(sourceOf)).filter((node) => indexOf.has(node)));
  const least = total(read) * worthDropping;
  const isSmall = (node: Node): boolean => bytesOf(node) < least;
  return { order, indexOf, stored: new Set([...read].filter((node) => !isSmall(node))), isSmall, lastUse };
}

/** The values that are read on both sides of a cut behind the place `at`. */
const across = ({ order, isSmall, lastUse }: ForwardPart, at: number): Node[] =>
  order.slice(0, at + 1).filter((node) => !isSmall(node) && !isOp(node, reshape) && (lastUse.get(node) ?? -1) > at);

/** The bytes across a cut behind each place. */
function boundaries({ order, isSmall, lastUse }: ForwardPart): number[] {
  const changes = order.map(() => 0);
  const change = (at: number, bytes: number): void => void (changes[at] = (changes[at] ?? 0) + bytes);
  for (const [index, node] of order.entries()) {
    if (isSmall(node) || isOp(node, reshape)) continue;
    change(index, bytesOf(node));
    change(Math.max(index, lastUse.get(node) ?? index), -bytesOf(node));
  }
  let bytes = 0;
  return changes.map((each) => (bytes += each));
}

/** The values between two places that are computed again, where `kept` are not. */
function copiesOf(part: ForwardPart, [from, to]: readonly [number, number], kept: ReadonlySet<Node>): Node[] {
  const isThere = (node: Node): boolean => !part.indexOf.has(node) || part.isSmall(node) || kept.has(sourceOf(node));
  const needed = new Set<Node>();
  const open = part.order.slice(from + 1, to + 1).filter((node) => part.stored.has(sourceOf(node)));
  for (let node = open.pop(); node; node = open.pop()) {
    if (isThere(node) || needed.has(node)) continue;
    needed.add(node);
    open.push(...node.inputs);
  }
  return part.order.filter((node) => needed.has(node));
}

/** Bytes that are stored behind one place, up to another. */
type Within = (from: number, to: number) => number;

function storedWithin({ order, stored }: ForwardPart): Within {
  const upTo: number[] = [];
  for (const [index, node] of order.entries()) {
    upTo.push((upTo[index - 1] ?? 0) + (stored.has(node) ? bytesOf(node) : 0));
  }
  return (from, to) => (upTo[to] ?? 0) - (upTo[from] ?? 0);
}

/** The one cut that leaves least alive. */
function singleCut(within: Within, boundary: readonly number[]): number[] {
  const last = boundary.length - 1;
  let [best, least] = [last, Infinity];
  for (let at = 0; at < last; at++) {
    const bytes = (boundary[at] ?? 0) + Math.max(within(-1, at), within(at, last));
    if (bytes < least && within(-1, at) > 0) [best, least] = [at, bytes];
  }
  return best === last ? [] : [best];
}

/**
 * Cuts such that no segment stores more than `limit` bytes, as far as single values allow: Chen's greedy walk, which here
 * cuts where a segment's boundary takes least in proportion to the segment.
 */
function cutsFor(within: Within, boundary: readonly number[], limit: number): number[] {
  const last = boundary.length - 1;
  const cuts: number[] = [];
  for (let from = -1; within(from, last) > limit; from = cuts.at(-1) ?? last) {
    let [best, least] = [last, Infinity];
    for (let at = from + 1; at < last; at++) {
      const size = within(from, at);
      if (size > limit && least < Infinity) break;
      const cost = size === 0 ? Infinity : (boundary[at] ?? 0) / size;
      if (cost <= least && cost < Infinity) [best, least] = [at, cost];
    }
    if (best === last) break;
    cuts.push(best);
  }
  return cuts;
}

function segmentation(part: ForwardPart, cuts: readonly number[]): Segmentation {
  const kept = new Set(cuts.flatMap((at) => across(part, at)));
  const ends = [...cuts, part.order.length - 1];
  const ranges = ends.map((to, index): readonly [number, number] => [ends[index - 1] ?? -1, to]);
  const sizes = ranges.map(([from, to]) => {
    return total(part.order.slice(from + 1, to + 1).filter((node) => part.stored.has(node) && !kept.has(node)));
  });
  const dropped = ranges.slice(0, -1).map((range) => ({ copies: copiesOf(part, range, kept) }));
  const work = dropped.flatMap(({ copies }) => copies).reduce((sum, node) => sum + workOf(node), 0);
  return { dropped, count: ranges.length, bytes: total(kept) + Math.max(...sizes), work };
}

/** Multiply-accumulates, and one for each byte that is written. */
function workOf(node: Node): number {
  const types = node.inputs.map(({ type }) => type);
  return Number(node.op.macs?.(types, node.type, node.attrs) ?? 0) + bytesOf(node);
}

/** Different ways to cut, from two segments to as many as there are values; none where nothing is worth dropping. */
export function segmentations(part: ForwardPart): Segmentation[] {
  const boundary = boundaries(part);
  const within = storedWithin(part);
  const bytes = total(part.stored);
  const found = new Map<string, readonly number[]>();
  const add = (cuts: readonly number[]): void => void (cuts.length > 0 && found.set(cuts.join(), cuts));
  add(singleCut(within, boundary));
  for (let quarters = 5; quarters <= 4 * part.stored.size; quarters++) {
    add(cutsFor(within, boundary, (4 * bytes) / quarters));
  }
  return [...found.values()].map((cuts) => segmentation(part, cuts));
}
