/** Facts about an op, besides how it is computed, that passes, kernels and tools rely on; each op states its own. */

/** `y = clamp(scale * x + shift, low, high)`, times x where `gated`. */
export interface ClampForm {
  readonly scale: number;
  readonly shift: number;
  readonly low: number;
  readonly high: number;
  readonly gated: boolean;
}

/**
 * What an op is in a network.
 * - `layer`: operand 1 is a weight that multiplies the data, operand 2, where there is one, a bias that is added.
 * - `norm`: operand 1 scales and operand 2 shifts what has been normalised.
 * - `pool`: a result stands for many elements.
 * - `join`: several values become one.
 * - `move`: elements go elsewhere; a resize may blend neighbours.
 */
export type OpKind = 'layer' | 'norm' | 'pool' | 'join' | 'move';

/**
 * A fact that is left out is not claimed to be false: it is what nothing relies on. test/ops/traits.test.ts holds what is
 * stated to the op's samples.
 */
export interface Traits<A = unknown> {
  readonly kind?: OpKind;
  /** Each element of the result is one element of an operand, or a fixed value; which one follows from shapes alone. */
  readonly isMovement?: true;
  /** Of a norm: operand 1 has one factor for each channel, which is axis 1. */
  readonly scalesChannels?: true;
  /**
   * Of an elementwise op: the result is zero where all operands are, where one is and the others are finite, or where
   * all but the first are, whatever that is. An elementwise op that does not say so gives something else of zeros for
   * some attributes.
   */
  readonly keepsZero?: 'of all' | 'of any' | 'of choices';
  /** Of an elementwise op: in f32, infinities or NaN can come of operands between -200 and 200. */
  readonly isUnbounded?: true;
  /** Takes no longer than loading its result would. */
  readonly isCheap?: true;
  /** No element is below zero; one may be NaN. */
  readonly isNotNegative?: true;
  /** f(s x) = s f(x) for s > 0, channel by channel, and every channel stays where it is. */
  readonly isHomogeneous?: true;
  /** The clamp that equals an op of one operand. */
  clamp?(attrs: A): ClampForm;
}
