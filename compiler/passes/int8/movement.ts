/** Ops that move or choose values of one scale, and what they need of it. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import {
  channelShuffle,
  concat,
  maxPool2d,
  pad,
  pixelShuffle,
  reshape,
  resize,
  selectChannels,
  slice,
  subsample,
  transpose,
} from '../../ops/index.ts';

const moves: ReadonlySet<string> = new Set(
  [channelShuffle, concat, maxPool2d, pixelShuffle, reshape, selectChannels, slice, subsample, transpose].map(
    ({ name }) => name,
  ),
);

/** Whether a node's result holds only values of its operands, or a constant: all sides then share one scale. */
export function keepsScale(node: Node): boolean {
  if (isOp(node, pad)) return Number.isFinite(node.attrs.value);
  if (isOp(node, resize)) return node.attrs.mode === 'nearest';
  return moves.has(node.op.name);
}

/** A value that movement brings in and that the shared range must hold. */
export const broughtIn = (node: Node): number => (isOp(node, pad) ? node.attrs.value : 0);
