/** Tensor types of the IR and the concrete tensors of the reference interpreter. */
import { formatDim, type Dim } from './dim.ts';

export type DType = 'f32' | 'i32' | 'i8' | 'u8';

export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly Dim[];
}

export type TensorData = Float64Array | Float32Array | Int32Array | Int8Array | Uint8Array;

/** A tensor with known sizes, row-major (NCHW, OIHW). `f32` data may be held in float64 by the interpreter. */
export interface Tensor {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

/** `f32[N, 3, 32, 32]`. */
export const formatType = (type: TensorType): string => `${type.dtype}[${type.shape.map(formatDim).join(', ')}]`;

export const elementCount = (shape: readonly number[]): number => shape.reduce((product, size) => product * size, 1);

/** Row-major strides in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let axis = shape.length - 2; axis >= 0; axis--) {
    strides[axis] = (strides[axis + 1] ?? 1) * (shape[axis + 1] ?? 1);
  }
  return strides;
}
