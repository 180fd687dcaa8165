/**
 * Bilinear resizing with antialiasing, bit for bit as Pillow does it on 8-bit images (and so torchvision on PIL
 * images): the triangle filter is widened by the scale when shrinking, each axis is one pass rounded to 8 bits, and
 * weights are fixed-point with 22 fractional bits (Pillow, src/libImaging/Resample.c).
 */
import type { Image8 } from './image.ts';

const fractionBits = 32 - 8 - 2;

/** For each target position the first source position, and how many fixed-point weights follow. */
interface Taps {
  readonly first: Int32Array;
  readonly count: Int32Array;
  /** `stride` slots for each target position. */
  readonly weights: Int32Array;
  readonly stride: number;
}

/** Resizes to `width` x `height` pixels; the same image where that is its size already. */
export function resizeImage(image: Image8, width: number, height: number): Image8 {
  const wide = width === image.width ? image : resizeRows(image, width);
  return height === wide.height ? wide : resizeColumns(wide, height);
}

function triangle(x: number): number {
  const distance = Math.abs(x);
  return distance < 1 ? 1 - distance : 0;
}

function makeTaps(from: number, to: number): Taps {
  const scale = from / to;
  const widening = Math.max(scale, 1);
  // Reciprocals where Pillow has them: a quotient may differ in its last bit.
  const narrowing = 1 / widening;
  const stride = Math.ceil(widening) * 2 + 1;
  const first = new Int32Array(to);
  const count = new Int32Array(to);
  const weights = new Int32Array(to * stride);
  for (let target = 0; target < to; target++) {
    const centre = (target + 0.5) * scale;
    const begin = Math.max(Math.trunc(centre - widening + 0.5), 0);
    const end = Math.min(Math.trunc(centre + widening + 0.5), from);
    const values = Array.from({ length: end - begin }, (_, tap) => triangle((tap + begin - centre + 0.5) * narrowing));
    const unit = 1 / values.reduce((total, value) => total + value, 0);
    first[target] = begin;
    count[target] = values.length;
    values.forEach((value, tap) => {
      weights[target * stride + tap] = Math.trunc(0.5 + value * unit * 2 ** fractionBits);
    });
  }
  return { first, count, weights, stride };
}

function resizeRows({ data, width, height, channels }: Image8, newWidth: number): Image8 {
  const taps = makeTaps(width, newWidth);
  const result = new Uint8Array(newWidth * height * channels);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < newWidth; x++) {
      const from = (y * width + (taps.first[x] ?? 0)) * channels;
      for (let c = 0; c < channels; c++) {
        result[(y * newWidth + x) * channels + c] = weighted(data, from + c, channels, taps, x);
      }
    }
  }
  return { width: newWidth, height, channels, data: result };
}

function resizeColumns({ data, width, height, channels }: Image8, newHeight: number): Image8 {
  const taps = makeTaps(height, newHeight);
  const row = width * channels;
  const result = new Uint8Array(row * newHeight);
  for (let y = 0; y < newHeight; y++) {
    const from = (taps.first[y] ?? 0) * row;
    for (let x = 0; x < row; x++) result[y * row + x] = weighted(data, from + x, row, taps, y);
  }
  return { width, height: newHeight, channels, data: result };
}

/** The sum of one target position; weights are not negative and sum to about one, so 32 bits hold it. */
function weighted(data: Uint8Array, from: number, step: number, taps: Taps, target: number): number {
  const base = target * taps.stride;
  const count = taps.count[target] ?? 0;
  let sum = 1 << (fractionBits - 1);
  for (let tap = 0; tap < count; tap++) sum += (data[from + tap * step] ?? 0) * (taps.weights[base + tap] ?? 0);
  return Math.min(255, sum >>> fractionBits);
}
