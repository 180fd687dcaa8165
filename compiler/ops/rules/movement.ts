/** Ops that only copy elements: each element of the result is one element of an operand, or a fixed value. */
import type { Node } from '../../ir/node.ts';

export const isMovement = ({ op }: Node): boolean => op.traits?.isMovement === true;

/** How many of these ops read a table of channels beside their operand. */
export const channelTables = (nodes: readonly Node[]): number =>
  nodes.filter((node) => node.op.name === 'selectChannels').length;
