/** Masks in PNG files: the palette index or grey value of every pixel is its class. */
import { inflateSync } from 'node:zlib';
import { RuntimeFault } from '../errors.ts';
import type { Mask8 } from '../train/sample.ts';
import { readBytes } from './file-access.ts';
import { pngLayout, readImageHeader } from './image-header.ts';

const maxMaskPixels = 64_000_000;

/** Reads a mask. Throws E0710 (cannot be read) and E0713 (no PNG file of 1 to 8 bits, grey or palette). */
export async function readMask(path: string): Promise<Mask8> {
  return decodeMask(await readBytes(path), path);
}

/** Decodes a PNG file of one channel; not through a palette, which would turn classes into colours. Throws E0713. */
export function decodeMask(file: Uint8Array, name: string): Mask8 {
  try {
    return decode(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFault('E0713', 'input', `cannot decode the mask ${name}: ${reason.split('\n')[0]}`);
  }
}

function decode(file: Uint8Array): Mask8 {
  const { format, width, height } = readImageHeader(file);
  if (format !== 'png') throw new Error('it is a JPEG file, whose values are not exact; masks are PNG files');
  if (width === 0 || height === 0 || width * height > maxMaskPixels) throw new Error(`it is ${width}x${height} pixels`);
  // The header is the first chunk: bit depth, colour type and interlacing lie at fixed places.
  const [depth = 0, colour, , , interlaced] = file.subarray(24, 29);
  if (colour !== 0 && colour !== 3) throw new Error('it has several channels; a mask has one, grey or palette');
  if (depth > 8) throw new Error(`it has ${depth} bits for each pixel; a mask has up to 8`);
  if (interlaced !== 0) throw new Error('it is interlaced');
  const rowBytes = Math.ceil((width * depth) / 8);
  const needed = (rowBytes + 1) * height;
  const rows = inflateSync(pngLayout(file).compressed, { maxOutputLength: needed + 1024 });
  if (rows.length < needed) throw new Error(`the picture has ${rows.length} of ${needed} bytes`);
  return { width, height, data: unpackRows(rows, { width, height, depth, rowBytes }) };
}

interface Rows {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly rowBytes: number;
}

/** Undoes the filter of each row (PNG specification, 9.2; the pixel before is the byte before) and splits its bits. */
function unpackRows(rows: Uint8Array, { width, height, depth, rowBytes }: Rows): Uint8Array {
  const data = new Uint8Array(width * height);
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let y = 0; y < height; y++) {
    const begin = y * (rowBytes + 1);
    const row = rows.subarray(begin + 1, begin + 1 + rowBytes);
    unfilter(rows[begin] ?? 0, row, above);
    for (let x = 0; x < width; x++) {
      const bit = x * depth;
      const shift = 8 - depth - (bit % 8);
      data[y * width + x] = ((row[bit >> 3] ?? 0) >> shift) & ((1 << depth) - 1);
    }
    above = row;
  }
  return data;
}

function unfilter(filter: number, row: Uint8Array, above: Uint8Array): void {
  if (filter > 4) throw new Error(`a row has the unknown filter ${filter}`);
  for (let at = 0; at < row.length; at++) {
    const [left, up, corner] = [row[at - 1] ?? 0, above[at] ?? 0, above[at - 1] ?? 0];
    const guesses = [0, left, up, (left + up) >> 1, paeth(left, up, corner)];
    row[at] = (row[at] ?? 0) + (guesses[filter] ?? 0);
  }
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
