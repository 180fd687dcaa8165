/** Ops that move or choose values of one scale, and what they need of it. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { maxPool2d, pad, resize } from '../../ops/index.ts';
import { isMovement } from '../../ops/rules/movement.ts';

/** Whether a node's result holds only values of its operands, or a constant: all sides then share one scale. */
export function keepsScale(node: Node): boolean {
  if (isOp(node, pad)) return Number.isFinite(node.attrs.value);
  if (isOp(node, resize)) return node.attrs.mode === 'nearest';
  return isMovement(node) || isOp(node, maxPool2d);
}

/** A value that movement brings in and that the shared range must hold. */
export const broughtIn = (node: Node): number => (isOp(node, pad) ? node.attrs.value : 0);
