/** A tensor as files hold it: element type, shape and little-endian bytes in C order; and its values as numbers. */

/** Bytes of one element by its type, named as in safetensors. */
export const elementBytes = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  F8_E4M3: 1,
  F8_E5M2: 1,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

export type StoredType = keyof typeof elementBytes;

export interface StoredTensor {
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  /** Exactly the product of `shape` times the element's size; need not be aligned. */
  readonly bytes: Uint8Array;
}

export function isStoredType(name: string): name is StoredType {
  return Object.hasOwn(elementBytes, name);
}

/** Bytes of a tensor; undefined where any partial product is beyond 2^53, so that no zero hides an overflow. */
export function storedBytes(dtype: StoredType, shape: readonly number[]): number | undefined {
  let product = 1;
  for (const dim of shape) {
    product *= dim;
    if (!Number.isSafeInteger(product)) return undefined;
  }
  const bytes = product * elementBytes[dtype];
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/**
 * The values as float32, rounded to nearest where the type is wider; BOOL gives 0 and 1. F32 that lies on a multiple
 * of four bytes is not copied: the result then shares the tensor's memory. Typed arrays have the machine's byte order,
 * which is little-endian wherever Node and browsers run WebGPU.
 */
export function toFloat32(tensor: StoredTensor): Float32Array {
  if (tensor.dtype !== 'F32') return readInto(new Float32Array(elementCount(tensor)), tensor);
  // `slice` of a Node Buffer would not copy.
  const bytes = tensor.bytes.byteOffset % 4 === 0 ? tensor.bytes : new Uint8Array(tensor.bytes);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

/** The values as float64: exact for every type except I64 and U64 beyond 2^53. */
export function toFloat64(tensor: StoredTensor): Float64Array {
  return readInto(new Float64Array(elementCount(tensor)), tensor);
}

function elementCount({ dtype, bytes }: StoredTensor): number {
  return bytes.byteLength / elementBytes[dtype];
}

function readInto<T extends Float32Array | Float64Array>(values: T, tensor: StoredTensor): T {
  const read = elementReader(tensor);
  for (let index = 0; index < values.length; index++) values[index] = read(index);
  return values;
}

/** Bytes of numbers as an F32 tensor; shares their memory. */
export function fromFloat32(values: Float32Array, shape: readonly number[]): StoredTensor {
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return { dtype: 'F32', shape, bytes };
}

function elementReader({ dtype, bytes }: StoredTensor): (index: number) => number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case 'F64':
      return (index) => view.getFloat64(index * 8, true);
    case 'F32':
      return (index) => view.getFloat32(index * 4, true);
    case 'F16':
      return (index) => halfToFloat(view.getUint16(index * 2, true));
    case 'BF16':
      return (index) => bfloatToFloat(view.getUint16(index * 2, true));
    case 'F8_E4M3':
      return (index) => quarterToFloat(view.getUint8(index));
    case 'F8_E5M2':
      // The upper byte of a half.
      return (index) => halfToFloat(view.getUint8(index) << 8);
    case 'I64':
      return (index) => Number(view.getBigInt64(index * 8, true));
    case 'I32':
      return (index) => view.getInt32(index * 4, true);
    case 'I16':
      return (index) => view.getInt16(index * 2, true);
    case 'I8':
      return (index) => view.getInt8(index);
    case 'U64':
      return (index) => Number(view.getBigUint64(index * 8, true));
    case 'U32':
      return (index) => view.getUint32(index * 4, true);
    case 'U16':
      return (index) => view.getUint16(index * 2, true);
    case 'U8':
      return (index) => view.getUint8(index);
    case 'BOOL':
      return (index) => (view.getUint8(index) === 0 ? 0 : 1);
  }
}

/** IEEE 754 binary16: one sign bit, five of exponent (bias 15), ten of fraction. */
export function halfToFloat(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** float8_e4m3fn: one sign bit, four of exponent (bias 7), three of fraction; no infinities, and one NaN a sign. */
function quarterToFloat(bits: number): number {
  const sign = bits & 0x80 ? -1 : 1;
  const exponent = (bits >> 3) & 0xf;
  const fraction = bits & 0x7;
  if (exponent === 15 && fraction === 7) return NaN;
  if (exponent === 0) return sign * fraction * 2 ** -9;
  return sign * (1 + fraction / 8) * 2 ** (exponent - 7);
}

const scratch = new DataView(new ArrayBuffer(4));

/** bfloat16 is the upper half of a float32. */
function bfloatToFloat(bits: number): number {
  scratch.setUint32(0, bits << 16);
  return scratch.getFloat32(0);
}
