/** Where the elements of each channel lie: the walk of the ops that reduce over images and pixels. */
import type { Dim } from '../../ir/dim.ts';
import { OpError } from '../../ir/op.ts';
import { formatType, stridesOf, type TensorType } from '../../ir/type.ts';
import { offsetsOf } from './storage.ts';

/** For each channel of `[N, C, ...]`, the row-major offsets of its elements. */
export function channelElements(shape: readonly number[]): Int32Array[] {
  const strides = stridesOf(shape);
  const one = shape.with(1, 1);
  return Array.from({ length: shape[1] ?? 1 }, (_, channel) => offsetsOf(one, strides, channel * (strides[1] ?? 1)));
}

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);

/** Rows of pixels of `[N, C, ...]`, all images together; a matrix has one pixel a row. Throws E0309 for open sizes. */
export function pixelRows(type: TensorType): { readonly rows: number; readonly columns: number } {
  const known = (size: Dim): number => {
    if (typeof size === 'number') return size;
    throw new OpError('E0309', `the pixels of ${formatType(type)} cannot be counted`, { input: 0 });
  };
  const [batch = 1, , ...plane] = type.shape.map((size, axis) => (axis === 1 ? 1 : known(size)));
  return { rows: batch * product(plane.slice(0, -1)), columns: plane.at(-1) ?? 1 };
}

/** The elements of each channel in parts of so many rows: `[part][channel]`, offsets. */
export function channelParts(shape: readonly number[], rows: number): Int32Array[][] {
  const { rows: all, columns } = pixelRows({ dtype: 'f32', shape });
  const elements = channelElements(shape);
  const size = rows * columns;
  return Array.from({ length: Math.ceil(all / rows) }, (_, part) =>
    elements.map((offsets) => offsets.subarray(part * size, (part + 1) * size)),
  );
}
