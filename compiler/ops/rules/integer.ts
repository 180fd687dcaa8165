/** Integer arithmetic that quantized ops share: the same bits in the reference and on every device. */
import { OpError } from '../../ir/op.ts';
import { elementCount, formatType, type DType, type Tensor, type TensorType } from '../../ir/type.ts';

/** The nearest integer, ties to the even one, as WGSL's `round`. */
export function roundHalfEven(x: number): number {
  const low = Math.floor(x);
  const rest = x - low;
  if (rest !== 0.5) return rest < 0.5 ? low : low + 1;
  return low % 2 === 0 ? low : low + 1;
}

export const clampTo = (x: number, least: number, most: number): number => Math.min(Math.max(x, least), most);

/**
 * An i32 as f32 in a way that every device shares: exact below 2^24, else rounded half up to a multiple of 256, which
 * f32 holds exactly (the conversion of other integers may round either way).
 */
export const exactF32 = (sum: number): number => (Math.abs(sum) < 2 ** 24 ? sum : ((sum + 128) >> 8) << 8);

/** `round_half_even(exactF32(sum) * multiplier)` with one f32 product. */
export const rescale = (sum: number, multiplier: number): number =>
  roundHalfEven(Math.fround(exactF32(sum) * multiplier));

export function expectType(type: TensorType, dtype: DType, action: string, input: number): void {
  if (type.dtype === dtype) return;
  throw new OpError('E0302', `cannot ${action} ${formatType(type)}: the elements must be ${dtype}`, { input });
}

/** A whole number that i8 holds, as zero points and bounds are. */
export function expectI8(value: number, name: string): void {
  if (Number.isInteger(value) && value >= -128 && value <= 127) return;
  throw new OpError('E0310', `${name} must be an integer of -128 to 127, not ${String(value)}`);
}

/** A finite f32 above zero, as scales are. */
export function expectScale(value: number, name: string): void {
  if (Number.isFinite(value) && value > 0 && Math.fround(value) === value) return;
  throw new OpError('E0310', `${name} must be a positive float32, not ${String(value)}`);
}

/** What a result is clamped to, in its own units, and which of them stands for zero. */
export type Clamp = { readonly outputZero: number; readonly min: number; readonly max: number };

export function expectClamp({ outputZero, min, max }: Clamp): void {
  expectI8(outputZero, 'outputZero');
  expectI8(min, 'min');
  expectI8(max, 'max');
  if (min > max) throw new OpError('E0310', `min ${min} is more than max ${max}`);
}

/** An attribute that holds a tensor of one axis. */
export function expectList(tensor: Tensor, dtype: DType, count: number, name: string): void {
  if (tensor.dtype === dtype && tensor.shape.length === 1 && elementCount(tensor.shape) === count) return;
  throw new OpError('E0310', `${name} must be ${dtype}[${count}], not ${formatType(tensor)}`);
}

/** The result of a table for each of the 256 values of i8: entry `q + 128`. */
export const lookUpIn = (table: Tensor, q: number): number => table.data[q + 128] ?? 0;
