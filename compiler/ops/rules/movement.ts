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
  'selectChannels',
  'pixelShuffle',
]);

export const movementOps: readonly string[] = [...movements];

export const isMovement = (node: Node): boolean => movements.has(node.op.name);

/** How many of these ops read a table of channels beside their operand. */
export const channelTables = (nodes: readonly Node[]): number =>
  nodes.filter((node) => node.op.name === 'selectChannels').length;
