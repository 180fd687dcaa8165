/** Settled samples in memory that several threads share: what one thread has decoded, no other decodes again. */
import type { SampleCache } from '../train/sample-cache.ts';
import { sampleBytes } from '../train/sample-cache.ts';
import type { LabelledPicture, Picture } from '../train/sample.ts';

/** Both parts can be sent to other threads. */
export interface SharedCacheMemory {
  /** The first free unit of `pixels`, then `fields` numbers for each sample. */
  readonly table: SharedArrayBuffer;
  readonly pixels: SharedArrayBuffer;
}

/** Pixels begin on multiples of this, so that floats are aligned and 32-bit offsets reach 32 GiB. */
const unit = 16;
const fields = 6;
const header = 1;
/** A sample is taken by the first thread that fills it in, and read once it is ready. */
const states = { empty: 0, taken: 1, ready: 2 } as const;
/** Bits of the form: numbers instead of bytes; a mask behind the pixels. */
const [floats, masked] = [1, 2];

/** Memory for the pixels of up to `bytes` bytes; the system gives pages of it only once they are written. */
export function allocateSharedCache(samples: number, bytes: number): SharedCacheMemory {
  return {
    table: new SharedArrayBuffer((header + samples * fields) * 4),
    pixels: new SharedArrayBuffer(Math.ceil(bytes / unit) * unit),
  };
}

/** Bytes that a sample takes. */
export function cachedBytes(sample: LabelledPicture): number {
  return Math.ceil(sampleBytes(sample) / unit) * unit;
}

/** The cache as one thread sees it. */
export function openSharedCache({ table: tableMemory, pixels }: SharedCacheMemory): SampleCache {
  const table = new Int32Array(tableMemory);
  const capacity = pixels.byteLength / unit;
  return {
    get(position) {
      const entry = header + position * fields;
      return Atomics.load(table, entry) === states.ready ? readEntry(table, entry, pixels) : undefined;
    },
    put(position, sample) {
      const entry = header + position * fields;
      const units = cachedBytes(sample) / unit;
      if (Atomics.load(table, 0) + units > capacity) return;
      if (Atomics.compareExchange(table, entry, states.empty, states.taken) !== states.empty) return;
      const begin = Atomics.add(table, 0, units);
      // Another thread may have taken the last room: the sample then stays taken, and is read each time.
      if (begin + units > capacity) return;
      writeEntry(table, entry, pixels, begin, sample);
      Atomics.store(table, entry, states.ready);
    },
  };
}

function writeEntry(
  table: Int32Array,
  entry: number,
  pixels: SharedArrayBuffer,
  begin: number,
  { picture, target }: LabelledPicture,
): void {
  const { width, height, channels, data } = picture;
  const hasMask = target.kind === 'mask';
  const form = (data instanceof Float32Array ? floats : 0) | (hasMask ? masked : 0);
  table.set([begin, width, height, channels * 4 + form, hasMask ? 0 : target.label], entry + 1);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  new Uint8Array(pixels, begin * unit, bytes.length).set(bytes);
  if (hasMask) new Uint8Array(pixels, begin * unit + bytes.length, width * height).set(target.mask.data);
}

function readEntry(table: Int32Array, entry: number, pixels: SharedArrayBuffer): LabelledPicture {
  const [begin = 0, width = 0, height = 0, kind = 0, label = 0] = table.subarray(entry + 1, entry + fields);
  const channels = kind >> 2;
  const values = width * height * channels;
  const isFloat = (kind & floats) !== 0;
  const offset = begin * unit;
  const data = isFloat ? new Float32Array(pixels, offset, values) : new Uint8Array(pixels, offset, values);
  const picture: Picture = { width, height, channels, data };
  if ((kind & masked) === 0) return { picture, target: { kind: 'class', label } };
  const mask = new Uint8Array(pixels, offset + values * (isFloat ? 4 : 1), width * height);
  return { picture, target: { kind: 'mask', mask: { width, height, data: mask } } };
}
