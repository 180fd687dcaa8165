/** Clamps: what several activations are, in one form. */
import type { Node } from '../../ir/node.ts';
import type { ClampForm } from '../../ir/traits.ts';

/** The clamp that changes nothing. */
export const identityClamp: ClampForm = { scale: 1, shift: 0, low: -Infinity, high: Infinity, gated: false };

/** Values below `low` and above `high` become these. */
export const cutTo = (low: number, high: number): ClampForm => ({ ...identityClamp, low, high });

/** relu6(x + 3) / 6, or x times it. */
export const hardGate = (gated: boolean): ClampForm => ({ scale: 1 / 6, shift: 0.5, low: 0, high: 1, gated });

/** The interval that values are cut to. */
export interface Interval {
  readonly min: number;
  readonly max: number;
}

/** The interval of an op that cuts its operand and leaves the rest as it is. */
export function intervalOf(node: Node): Interval | undefined {
  const clamp = node.op.traits?.clamp?.(node.attrs);
  if (!clamp || clamp.scale !== 1 || clamp.shift !== 0 || clamp.gated) return undefined;
  return { min: clamp.low, max: clamp.high };
}
