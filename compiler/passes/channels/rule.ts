/** What a channel rule is, and short forms for writing tables of them. */
import { dimsEqual, type Dim } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import { isOp, type Attrs, type Op } from '../../ir/op.ts';
import type { AxisChannels, Channels, Ties } from './ties.ts';

/** Which indices of each axis of a value of the unpruned graph stay; undefined where all do. */
export type Kept = (node: Node, axis: number) => readonly number[] | undefined;

export interface ChannelRule<A extends Attrs = Attrs> {
  /** The channels of the result; ties those of operands that go together and pins those that must stay. */
  readonly channels: (node: Node<A>, operands: readonly Channels[], ties: Ties) => Channels;
  /** The node on operands that have lost channels; without it the attributes stay as they are. */
  readonly rebuild?: (node: Node<A>, inputs: readonly Node[], kept: Kept) => Node;
}

export type Entry = readonly [op: string, rule: ChannelRule];

/** The rule of one op. */
export function ruleOf<A extends Attrs>(op: Op<A>, { channels, rebuild }: ChannelRule<A>): Entry {
  const typed = (node: Node): Node<A> => {
    if (isOp(node, op)) return node;
    throw new TypeError(`the channels of ${op.name} were asked of ${node.op.name}`);
  };
  const common: ChannelRule = { channels: (node, operands, ties) => channels(typed(node), operands, ties) };
  if (!rebuild) return [op.name, common];
  return [op.name, { ...common, rebuild: (node, inputs, kept) => rebuild(typed(node), inputs, kept) }];
}

/** Pins every axis but those named, and returns the named ones. */
export function onlyAxes(channels: Channels, kept: readonly number[], ties: Ties): AxisChannels[] {
  for (const [axis, own] of channels.entries()) if (!kept.includes(axis)) ties.pin(own);
  return kept.map((axis) => channels[axis]);
}

/** An op of `[N, C, H, W]` that treats every plane for itself. */
export const planewise = <A extends Attrs>(op: Op<A>): Entry =>
  ruleOf(op, {
    channels: (_, [x = []], ties) => {
      const [batch, channels] = onlyAxes(x, [0, 1], ties);
      return [batch, channels, undefined, undefined];
    },
  });

/** An elementwise op, whose operands broadcast as numpy's do. */
export const elementwise = <A extends Attrs>(op: Op<A>): Entry =>
  ruleOf(op, {
    channels: (node, operands, ties) =>
      node.type.shape.map((size, axis) => {
        const places = operands.map((channels, index) => ({
          own: channels[axis - node.type.shape.length + channels.length],
          size: node.inputs[index]?.type.shape.at(axis - node.type.shape.length),
          isThere: axis - node.type.shape.length + channels.length >= 0,
        }));
        return broadcastAxis(
          size,
          places.filter(({ isThere }) => isThere),
          ties,
        );
      }),
  });

interface Place {
  readonly own: AxisChannels;
  readonly size: Dim | undefined;
}

/** An operand of size 1 along an axis is repeated, so that its one index must stay. */
function broadcastAxis(size: Dim, places: readonly Place[], ties: Ties): AxisChannels {
  const [whole, repeated]: Place[][] = [[], []];
  for (const place of places) (dimsEqual(place.size ?? 1, size) ? whole : repeated)?.push(place);
  for (const { own } of repeated ?? []) ties.pin(own);
  const [first, ...others] = whole ?? [];
  for (const { own } of others) ties.tie(first?.own, own);
  return places.some(({ own, size: length }) => own === undefined && dimsEqual(length ?? 1, size))
    ? undefined
    : first?.own;
}

/** How many of an axis of the pruned value there are. */
export const keptSize = (node: Node, axis: number, kept: Kept): Dim =>
  kept(node, axis)?.length ?? node.type.shape[axis] ?? 1;

/** The shape of a node in the pruned graph. */
export const keptShape = (node: Node, kept: Kept): Dim[] =>
  node.type.shape.map((_, axis) => keptSize(node, axis, kept));

/** A size that must be a number, as channel counts of weights are. */
export function countOf(node: Node | undefined, axis: number): number {
  const size = node?.type.shape[axis];
  if (typeof size === 'number') return size;
  throw new TypeError(`axis ${axis} of ${node?.op.name ?? 'nothing'} has no fixed size`);
}

/** Every `count` channels in a row. */
export const chunks = (channels: readonly number[], count: number): number[][] =>
  Array.from({ length: channels.length / count }, (_, chunk) => channels.slice(chunk * count, (chunk + 1) * count));

/** Ties channel j of every group, so that all groups lose alike and stay of one size. */
export function tieGroups(channels: readonly number[], groups: number, ties: Ties): void {
  const [first, ...others] = chunks(channels, channels.length / groups);
  for (const other of others) ties.tie(first, other);
}

/** Ties all channels of each group, so that groups go as a whole. */
export function tieWithinGroups(channels: readonly number[], size: number, ties: Ties): void {
  for (const [first, ...others] of chunks(channels, size))
    for (const other of others) ties.tie([first ?? other], [other]);
}
