/**
 * Sparse tensors in safetensors files. A tensor NAME of which at least half is zero is stored as two: `NAME.bitmap` (U8,
 * one bit an element in C order, the lowest bit first, set where the element is not zero) and `NAME.values` (F32, the
 * elements that are not zero); zeros lose their sign. The metadata key `sparse` holds their shapes as JSON,
 * `{"NAME": [64, 32, 3, 3]}`.
 */
import { malformed } from './safetensors-header.ts';
import type { Safetensors } from './safetensors.ts';
import { fromFloat32, toFloat32, type StoredTensor } from './stored-tensor.ts';

const key = 'sparse';

/** Writes what is mostly zeros as bitmap and values; other tensors and types stay as they are. */
export function packSparse(tensors: ReadonlyMap<string, StoredTensor>): Safetensors {
  const packed = new Map<string, StoredTensor>();
  const shapes: Record<string, readonly number[]> = {};
  for (const [name, tensor] of tensors) {
    const values = tensor.dtype === 'F32' ? toFloat32(tensor) : undefined;
    const kept = values?.filter((value) => value !== 0);
    if (!values || !kept || values.length === 0 || kept.length * 2 > values.length) {
      packed.set(name, tensor);
      continue;
    }
    const bitmap = new Uint8Array(Math.ceil(values.length / 8));
    for (let at = 0; at < values.length; at++) {
      if (values[at] !== 0) bitmap[at >> 3] = (bitmap[at >> 3] ?? 0) | (1 << (at & 7));
    }
    packed.set(`${name}.bitmap`, { dtype: 'U8', shape: [bitmap.length], bytes: bitmap });
    packed.set(`${name}.values`, fromFloat32(kept, [kept.length]));
    shapes[name] = tensor.shape;
  }
  const metadata = new Map(Object.keys(shapes).length > 0 ? [[key, JSON.stringify(shapes)]] : []);
  return { tensors: packed, metadata };
}

/** The tensors as they were, in their order. Throws E0711 where bitmap, values and shape do not fit each other. */
export function unpackSparse({ tensors, metadata }: Safetensors): ReadonlyMap<string, StoredTensor> {
  const text = metadata.get(key);
  if (text === undefined) return tensors;
  const shapes = shapesOf(text);
  const dense = new Map<string, StoredTensor>();
  for (const [stored, tensor] of tensors) {
    const bitmapOf = stored.endsWith('.bitmap') ? stored.slice(0, -'.bitmap'.length) : undefined;
    const valuesOf = stored.endsWith('.values') ? stored.slice(0, -'.values'.length) : undefined;
    const shape = bitmapOf === undefined ? undefined : shapes.get(bitmapOf);
    if (bitmapOf !== undefined && shape) {
      dense.set(bitmapOf, unpacked(bitmapOf, tensor, tensors.get(`${bitmapOf}.values`), shape));
    } else if (valuesOf === undefined || !shapes.has(valuesOf)) dense.set(stored, tensor);
  }
  const lost = [...shapes.keys()].find((name) => !dense.has(name));
  if (lost !== undefined) throw malformed(`the sparse tensor ${JSON.stringify(lost)} has no bitmap`);
  return dense;
}

function shapesOf(text: string): ReadonlyMap<string, readonly number[]> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = undefined;
  }
  if (typeof parsed !== 'object' || parsed === null) throw malformed('the shapes of sparse tensors are not JSON');
  return new Map(
    Object.entries(parsed).map(([name, shape]: [string, unknown]) => {
      const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(size) && size > 0);
      if (!isShape) throw malformed(`the shape of the sparse tensor ${JSON.stringify(name)} is no list of sizes`);
      return [name, shape];
    }),
  );
}

function unpacked(
  name: string,
  bitmap: StoredTensor,
  stored: StoredTensor | undefined,
  shape: readonly number[],
): StoredTensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const title = `the sparse tensor ${JSON.stringify(name)}`;
  if (!stored || stored.dtype !== 'F32' || bitmap.dtype !== 'U8') throw malformed(`${title} has no bitmap and values`);
  if (bitmap.bytes.length !== Math.ceil(count / 8)) {
    throw malformed(`${title} has ${bitmap.bytes.length * 8} bits for ${count} elements`);
  }
  const values = toFloat32(stored);
  const data = new Float32Array(count);
  let next = 0;
  for (let at = 0; at < count; at++) {
    if (((bitmap.bytes[at >> 3] ?? 0) >> (at & 7)) & 1) data[at] = values[next++] ?? 0;
  }
  if (next !== values.length) throw malformed(`${title} has ${values.length} values for ${next} bits that are set`);
  return fromFloat32(data, shape);
}
