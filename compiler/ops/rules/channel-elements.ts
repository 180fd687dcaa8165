/** Where the elements of each channel lie: the walk of the ops that reduce over images and pixels. */
import { stridesOf } from '../../ir/type.ts';
import { offsetsOf } from './storage.ts';

/** For each channel of `[N, C, ...]`, the row-major offsets of its elements. */
export function channelElements(shape: readonly number[]): Int32Array[] {
  const strides = stridesOf(shape);
  const one = shape.with(1, 1);
  return Array.from({ length: shape[1] ?? 1 }, (_, channel) => offsetsOf(one, strides, channel * (strides[1] ?? 1)));
}
