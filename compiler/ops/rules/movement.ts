/** Ops that only copy elements: each element of the result is one element of an operand, or a fixed value. */
import type { Node } from '../../ir/node.ts';

const movements: ReadonlySet<string> = new Set([
  'concat',
  'slice',
  'subsample',
  'pad',
  'reshape',
  'transpose',
  'channelShuffle',
  'pixelShuffle',
]);

export const movementOps: readonly string[] = [...movements];

export const isMovement = (node: Node): boolean => movements.has(node.op.name);
