/** Storage of the reference interpreter: typed arrays by element type, and strided views of them. */
import { evaluateDim } from '../../ir/dim.ts';
import type { DType, Tensor, TensorData, TensorType } from '../../ir/type.ts';

/** Zeros for a number of elements; `f32` is held in float64. */
export function allocate(dtype: DType, count: number): TensorData {
  switch (dtype) {
    case 'f32':
      return new Float64Array(count);
    case 'i32':
      return new Int32Array(count);
    case 'i8':
      return new Int8Array(count);
    case 'u8':
      return new Uint8Array(count);
  }
}

/** The elements in float64, without a copy where they are already. */
export const float64Of = (tensor: Tensor): Float64Array =>
  tensor.data instanceof Float64Array ? tensor.data : new Float64Array(tensor.data);

/** The sizes of a type without symbols. Throws a RangeError where a symbol is left. */
export const concreteShape = (type: TensorType): number[] => type.shape.map((dim) => evaluateDim(dim, {}));

/** Offsets of all elements of a strided view, in row-major order of its shape; a stride of 0 repeats. */
export function offsetsOf(shape: readonly number[], strides: readonly number[], start = 0): Int32Array {
  let offsets = Int32Array.of(start);
  shape.forEach((size, axis) => {
    const stride = strides[axis] ?? 0;
    const next = new Int32Array(offsets.length * size);
    let at = 0;
    for (const offset of offsets) {
      for (let index = 0; index < size; index++) next[at++] = offset + index * stride;
    }
    offsets = next;
  });
  return offsets;
}

/** The elements of a strided view as a tensor of their own. */
export function gather(x: Tensor, shape: readonly number[], strides: readonly number[], start = 0): Tensor {
  const offsets = offsetsOf(shape, strides, start);
  const data = allocate(x.dtype, offsets.length);
  const source = x.data;
  for (let index = 0; index < offsets.length; index++) data[index] = source[offsets[index] ?? 0] ?? 0;
  return { dtype: x.dtype, shape, data };
}

/** Writes a tensor into a strided view of `target`. */
export function scatter(x: Tensor, target: TensorData, strides: readonly number[], start: number): void {
  const offsets = offsetsOf(x.shape, strides, start);
  const source = x.data;
  for (let index = 0; index < offsets.length; index++) target[offsets[index] ?? 0] = source[index] ?? 0;
}
