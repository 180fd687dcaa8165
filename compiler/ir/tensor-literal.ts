/** Tensor literals of the IR text: listed numbers, base64 bytes, or a seeded random filling. */
import { elementCount, formatType, type DType, type Tensor, type TensorData } from './type.ts';

/** How `random` literals are filled: uniform in [low, high). */
export interface Seeding {
  readonly seed: number;
  readonly low: number;
  readonly high: number;
}

const seedings = new WeakMap<Tensor, Seeding>();

/** Uniform float32 values from Mulberry32; the text form prints such a tensor as its seed. */
export function randomTensor(shape: readonly number[], seed: number, low = -1, high = 1): Tensor {
  const data = new Float32Array(elementCount(shape));
  let state = seed | 0;
  for (let at = 0; at < data.length; at++) {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    data[at] = low + (((bits ^ (bits >>> 14)) >>> 0) / 4294967296) * (high - low);
  }
  const tensor: Tensor = { dtype: 'f32', shape, data };
  seedings.set(tensor, { seed, low, high });
  return tensor;
}

/** A zero-filled array that holds values of a type. */
export function allocate(dtype: DType, length: number): TensorData {
  if (dtype === 'f32') return new Float32Array(length);
  if (dtype === 'i32') return new Int32Array(length);
  return dtype === 'i8' ? new Int8Array(length) : new Uint8Array(length);
}

/** The shortest decimal that reads back as the same float32; `#nan`, `#inf`, `#-inf` for what has no digits. */
export function formatFloat32(value: number): string {
  for (let digits = 1; digits <= 9 && Number.isFinite(value); digits++) {
    const text = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(text), value)) return formatNumber(text);
  }
  return formatNumber(value);
}

export function formatNumber(value: number): string {
  if (Number.isNaN(value)) return '#nan';
  if (!Number.isFinite(value)) return value > 0 ? '#inf' : '#-inf';
  return Object.is(value, -0) ? '-0' : String(value);
}

const bytesOf = (data: TensorData): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** FNV-1a over the bytes: names the content of a constant that a dump leaves out. */
function digest(bytes: Uint8Array): string {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return (hash >>> 0).toString(16).padStart(8, '0');
}

/** Constants of at most this many elements print as numbers. */
const listedElements = 32;

/** `f32[2](1, -0.5)`, `f32[64](base64 "...")`, `f32[8, 3](random 7, -1, 1)`, or `f32[64](digest "1f00a2b3")`. */
export function formatTensor(tensor: Tensor, elideLarge: boolean): string {
  return `${formatType(tensor)}(${formatContent(tensor, elideLarge)})`;
}

function formatContent(tensor: Tensor, elideLarge: boolean): string {
  const seeding = seedings.get(tensor);
  if (seeding) return `random ${seeding.seed}, ${formatNumber(seeding.low)}, ${formatNumber(seeding.high)}`;
  const isFloat = tensor.dtype === 'f32';
  const data = isFloat ? new Float32Array(tensor.data) : tensor.data;
  if (data.length <= listedElements) return Array.from(data, isFloat ? formatFloat32 : String).join(', ');
  const bytes = bytesOf(data);
  return elideLarge ? `digest "${digest(bytes)}"` : `base64 "${toBase64(bytes)}"`;
}

function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 0x6000) {
    text += btoa(String.fromCharCode(...bytes.subarray(at, at + 0x6000)));
  }
  return text;
}

/** The tensor of a base64 literal; undefined where the text is not base64 or has the wrong length. */
export function tensorFromBase64(dtype: DType, shape: readonly number[], text: string): Tensor | undefined {
  const data = allocate(dtype, elementCount(shape));
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4 !== 0) return undefined;
  const decoded = atob(text);
  if (decoded.length !== data.byteLength) return undefined;
  const bytes = bytesOf(data);
  for (let at = 0; at < decoded.length; at++) bytes[at] = decoded.charCodeAt(at);
  return { dtype, shape, data };
}
