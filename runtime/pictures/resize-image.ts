/**
 * Bilinear resizing with antialiasing, bit for bit as Pillow does it on 8-bit images (and so torchvision on PIL
 * images): the triangle filter is widened by the scale when shrinking, each axis is one pass rounded to 8 bits, and
 * weights are fixed-point with 22 fractional bits (Pillow, src/libImaging/Resample.c).
 */
import type { Image8 } from './image.ts';

const fractionBits = 32 - 8 - 2;
const half = 1 << (fractionBits - 1);

/** Fixed-point weights of neighbouring source positions for each target position. */
interface Taps {
  /** The first source position. */
  readonly first: Int32Array;
  /** How many follow: the same for every target position; four rather than three, since four are computed together. */
  readonly count: number;
  /** `count` of each target position; zeros where fewer take part. */
  readonly weights: Int32Array;
}

/** A part of the resized image, in its pixels. */
export interface ResizedPart {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/**
 * Resizes to `width` x `height` pixels, and gives `part` of it (all of it unless told), which alone is computed. The
 * same image where nothing has to be done.
 */
export function resizeImage(
  image: Image8,
  width: number,
  height: number,
  part: ResizedPart = { left: 0, top: 0, width, height },
): Image8 {
  const isWhole = part.width === width && part.height === height;
  if (isWhole && width === image.width && height === image.height) return image;
  const rows = tapsFor(image.height, height);
  // The rows of the source that the part's rows are made of.
  const from = rows.first[part.top] ?? 0;
  const to = (rows.first[part.top + part.height - 1] ?? 0) + rows.count;
  const wide = resizeRows(image, from, to, tapsFor(image.width, width), part);
  return resizeColumns(wide, from, rows, part);
}

function triangle(x: number): number {
  const distance = Math.abs(x);
  return distance < 1 ? 1 - distance : 0;
}

/** Pictures of a data set often share their sizes. */
const known = new Map<string, Taps>();
const mostKnown = 64;

function tapsFor(from: number, to: number): Taps {
  const key = `${from} ${to}`;
  const taps = known.get(key) ?? makeTaps(from, to);
  if (known.size >= mostKnown) known.clear();
  known.set(key, taps);
  return taps;
}

function makeTaps(from: number, to: number): Taps {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  // Reciprocals where Pillow has them: a quotient may differ in its last bit.
  const narrowing = 1 / widening;
  const begins = Array.from({ length: to }, (_, target) =>
    Math.max(Math.trunc((target + 0.5) * scale - widening + 0.5), 0),
  );
  const ends = Array.from({ length: to }, (_, target) =>
    Math.min(Math.trunc((target + 0.5) * scale + widening + 0.5), from),
  );
  const most = begins.reduce((longest, begin, target) => Math.max(longest, (ends[target] ?? 0) - begin), 1);
  const count = most === 3 ? Math.min(4, from) : most;
  const first = new Int32Array(to);
  const weights = new Int32Array(to * count);
  for (let target = 0; target < to; target++) {
    const [begin = 0, end = 0] = [begins[target], ends[target]];
    const centre = (target + 0.5) * scale;
    const values = Array.from({ length: end - begin }, (_, tap) => triangle((tap + begin - centre + 0.5) * narrowing));
    const unit = 1 / values.reduce((total, value) => total + value, 0);
    // Room for zeros at the end of the source lies in front.
    const start = Math.min(begin, from - count);
    first[target] = start;
    values.forEach((value, tap) => {
      weights[target * count + begin - start + tap] = Math.trunc(0.5 + value * unit * 2 ** fractionBits);
    });
  }
  return { first, count, weights };
}

/**
 * Between the passes, from one image to the next: memory that a process is given anew costs as much to touch as what is
 * computed in it.
 */
let scratch = new Uint8Array();
const mostScratch = 2 ** 22;

/** The columns of `part` of the rows from `from` to `to`; good until the next call. */
function resizeRows(
  { data, width, channels }: Image8,
  from: number,
  to: number,
  taps: Taps,
  part: ResizedPart,
): Image8 {
  const height = to - from;
  const size = part.width * height * channels;
  if (scratch.length < size && size <= mostScratch) scratch = new Uint8Array(size);
  const result = size <= scratch.length ? scratch.subarray(0, size) : new Uint8Array(size);
  const source = data.subarray(from * width * channels, to * width * channels);
  const rows = channels === 3 ? colourRows : greyRows;
  rows(source, width, height, taps, part, result);
  return { width: part.width, height, channels, data: result };
}

/*
 * Weights are not negative and sum to about one, so that 32 bits hold every sum; written with integer arithmetic alone,
 * which engines compile to machine integers.
 */

function fourTaps(data: Uint8Array, at: number, step: number, weights: Int32Array, tap: number): number {
  return (
    (Math.imul(data[at] ?? 0, weights[tap] ?? 0) +
      Math.imul(data[at + step] ?? 0, weights[tap + 1] ?? 0) +
      Math.imul(data[at + 2 * step] ?? 0, weights[tap + 2] ?? 0) +
      Math.imul(data[at + 3 * step] ?? 0, weights[tap + 3] ?? 0)) |
    0
  );
}

function colourRows(
  data: Uint8Array,
  width: number,
  height: number,
  { first, count, weights }: Taps,
  part: ResizedPart,
  result: Uint8Array,
): void {
  const inFours = count - (count % 4);
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * width;
    for (let x = part.left; x < part.left + part.width; x++, to += 3) {
      let at = (row + (first[x] ?? 0)) * 3;
      let [red, green, blue] = [half, half, half];
      let tap = x * count;
      const fours = tap + inFours;
      const end = tap + count;
      for (; tap < fours; tap += 4, at += 12) {
        red = (red + fourTaps(data, at, 3, weights, tap)) | 0;
        green = (green + fourTaps(data, at + 1, 3, weights, tap)) | 0;
        blue = (blue + fourTaps(data, at + 2, 3, weights, tap)) | 0;
      }
      for (; tap < end; tap++, at += 3) {
        const weight = weights[tap] ?? 0;
        red = (red + Math.imul(data[at] ?? 0, weight)) | 0;
        green = (green + Math.imul(data[at + 1] ?? 0, weight)) | 0;
        blue = (blue + Math.imul(data[at + 2] ?? 0, weight)) | 0;
      }
      result[to] = red >>> fractionBits;
      result[to + 1] = green >>> fractionBits;
      result[to + 2] = blue >>> fractionBits;
    }
  }
}

function greyRows(
  data: Uint8Array,
  width: number,
  height: number,
  { first, count, weights }: Taps,
  part: ResizedPart,
  result: Uint8Array,
): void {
  for (let y = 0, to = 0; y < height; y++) {
    const row = y * width;
    for (let x = part.left; x < part.left + part.width; x++) {
      let at = row + (first[x] ?? 0);
      const end = (x + 1) * count;
      let sum = half;
      for (let tap = x * count; tap < end; tap++) sum = (sum + Math.imul(data[at++] ?? 0, weights[tap] ?? 0)) | 0;
      result[to++] = sum >>> fractionBits;
    }
  }
}

/** The rows of `part`; `image` begins with row `from` of the source. */
function resizeColumns(
  { data, width, channels }: Image8,
  from: number,
  { first, count, weights }: Taps,
  part: ResizedPart,
): Image8 {
  const row = width * channels;
  const result = new Uint8Array(row * part.height);
  const sums = new Int32Array(row);
  for (let y = 0; y < part.height; y++) {
    const target = part.top + y;
    const start = ((first[target] ?? 0) - from) * row;
    const tap = target * count;
    const inFours = count - (count % 4);
    const to = y * row;
    if (count === 4) {
      for (let x = 0; x < row; x++) {
        result[to + x] = (half + fourTaps(data, start + x, row, weights, tap)) >>> fractionBits;
      }
      continue;
    }
    sums.fill(half);
    for (let at = 0; at < inFours; at += 4) addFourRows(data, start + at * row, weights, tap + at, sums);
    for (let at = inFours; at < count; at++) addRow(data, start + at * row, weights[tap + at] ?? 0, sums);
    for (let x = 0; x < row; x++) result[to + x] = (sums[x] ?? 0) >>> fractionBits;
  }
  return { width, height: part.height, channels, data: result };
}

function addFourRows(data: Uint8Array, from: number, weights: Int32Array, tap: number, sums: Int32Array): void {
  const row = sums.length;
  for (let x = 0; x < row; x++) sums[x] = ((sums[x] ?? 0) + fourTaps(data, from + x, row, weights, tap)) | 0;
}

function addRow(data: Uint8Array, from: number, weight: number, sums: Int32Array): void {
  for (let x = 0; x < sums.length; x++) sums[x] = ((sums[x] ?? 0) + Math.imul(data[from + x] ?? 0, weight)) | 0;
}
