/**
 * WGSL that treats NaN and infinities as PyTorch does. WGSL lets a compiler assume that there are none, so that `x != x`
 * may be false and `max(NaN, 0)` anything; tests on bits are integer arithmetic, which holds everywhere. Operands are
 * names or parenthesised expressions of a `vec4f`, or of an `f32` where the width is 1.
 */

type Width = 1 | 4;

/** The bits without the sign: those of NaN are above 0x7f800000, which is infinity. */
const signless = (x: string, width: Width): string =>
  width === 4 ? `(bitcast<vec4i>(${x}) & vec4i(0x7fffffff))` : `(bitcast<i32>(${x}) & 0x7fffffff)`;

const isNaNText = (x: string): string => `(${signless(x, 4)} > vec4i(0x7f800000))`;

/** A NaN; of whatever bits. */
const quietNaN = (x: string): string => `bitcast<vec4f>(bitcast<vec4i>(${x}) | vec4i(0x7fc00000))`;

/** `value`, but NaN where an operand is: for what `min`, `max` and `clamp` make of operands. */
export const keepNaN = (value: string, ...operands: readonly string[]): string =>
  operands.reduceRight((inner, x) => `select(${inner}, ${x}, ${isNaNText(x)})`, value);

/** `value`, but NaN where `x` is NaN or -infinity: for x times what goes to zero there. */
export const lowInfinityIsNaN = (value: string, x: string): string =>
  `select(${value}, ${quietNaN(x)}, ${isNaNText(x)} | (bitcast<vec4i>(${x}) == vec4i(-8388608)))`;

/** `value`, but NaN where `x` is NaN or below zero: software logarithms give a number there. */
export const negativeIsNaN = (value: string, x: string): string =>
  `select(${value}, ${quietNaN(x)}, ${isNaNText(x)} | ((bitcast<vec4i>(${x}) < vec4i()) & (${x} != vec4f())))`;

/** `value`, but NaN where `x` is not finite. */
export const infinityIsNaN = (value: string, x: string): string =>
  `select(${value}, ${quietNaN(x)}, ${signless(x, 4)} >= vec4i(0x7f800000))`;

/** max(x, 0) that keeps NaN: as integers, the bits of -infinity to -0 are those up to -8388608, and NaN is beyond. */
export const reluText = (x: string): string => `select(${x}, vec4f(), bitcast<vec4i>(${x}) < vec4i(-8388607))`;

/** As integers, 0 is 0, and -0 to -infinity are those up to -8388608. */
export const isPositiveOrNaN = (x: string): string =>
  `((bitcast<vec4i>(${x}) != vec4i()) & (bitcast<vec4i>(${x}) > vec4i(-8388608)))`;

/** A statement in a loop that takes a maximum: notes in `bits`, which began as 0, whether `x` is NaN. */
export const noteNaN = (bits: string, x: string, width: Width = 4): string =>
  `${bits} = max(${bits}, ${signless(x, width)});`;

/** The maximum behind such a loop: NaN where one was noted. */
export const orNaN = (value: string, bits: string, width: Width = 4): string =>
  width === 4
    ? `select(${value}, bitcast<vec4f>(${bits}), ${bits} > vec4i(0x7f800000))`
    : `select(${value}, bitcast<f32>(${bits}), ${bits} > 0x7f800000)`;

/** What `rank` gives NaN; and a rank that is below those of all values. */
export const rankOfNaN = 0x7fffffff;
export const belowAll = -0x80000000;

/** `fn rank(a: vec4f) -> vec4i`: integers in the order of the values, 0 for both zeros, NaN above all. */
export const rankFunction = `fn rank(a: vec4f) -> vec4i {
  let b = bitcast<vec4i>(a);
  return select(select(b, vec4i(${belowAll}) - b, b < vec4i()), vec4i(${rankOfNaN}), ${isNaNText('a')});
}`;
