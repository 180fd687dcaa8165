/** PNG files taken apart to the numbers that they store: palette indices stay indices, which image decoders give up. */
import { crc32, inflateSync } from 'node:zlib';

export interface PngNumbers {
  readonly width: number;
  readonly height: number;
  /** Bits of a number: 1, 2, 4, 8 or 16. */
  readonly depth: number;
  /** One number a pixel, rows from the top. */
  readonly data: Uint16Array;
}

interface PngHeader {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly interlaced: boolean;
}

/** Bytes behind the last row that encoders may leave; more is refused. */
const spareBytes = 1024;

/** Adam7: first column and row of each pass, and the steps to the next. */
const adam7 = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const;

/** Decodes a grey or palette PNG of at most `mostPixels`. Throws an Error that says what is wrong. */
export function readPngNumbers(file: Uint8Array, mostPixels: number): PngNumbers {
  const { header, compressed } = parseChunks(file);
  const { width, height, depth } = header;
  if (width === 0 || height === 0 || width * height > mostPixels) throw new Error(`it is ${width}x${height} pixels`);
  const passes = passesOf(header);
  const needed = passes.reduce((sum, { columns, rows }) => sum + rows * (1 + Math.ceil((columns * depth) / 8)), 0);
  const bytes = inflateSync(compressed, { maxOutputLength: needed + spareBytes });
  if (bytes.length < needed) throw new Error(`the picture has ${bytes.length} of ${needed} bytes`);
  const data = new Uint16Array(width * height);
  let begin = 0;
  for (const pass of passes) begin = readPass(bytes, begin, pass, header, data);
  return { width, height, depth, data };
}

function parseChunks(file: Uint8Array): { readonly header: PngHeader; readonly compressed: Uint8Array } {
  const view = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const pieces: Uint8Array[] = [];
  let header: PngHeader | undefined;
  for (let begin = 8; ;) {
    if (begin + 12 > file.length) throw new Error('the PNG file has no end chunk');
    const length = view.readUInt32BE(begin);
    const end = begin + 12 + length;
    if (end > file.length) throw new Error('the PNG file ends inside of a chunk');
    const type = view.toString('latin1', begin + 4, begin + 8);
    const body = file.subarray(begin + 8, end - 4);
    if (crc32(file.subarray(begin + 4, end - 4)) !== view.readUInt32BE(end - 4)) {
      throw new Error(`the checksum of its chunk ${type} is wrong`);
    }
    if ((type === 'IHDR') !== (header === undefined)) throw new Error('the PNG file must begin with its only header');
    header ??= parseHeader(view.subarray(begin + 8, end - 4));
    if (type === 'IDAT') pieces.push(body);
    if (type === 'IEND') return { header, compressed: Buffer.concat(pieces) };
    begin = end;
  }
}

function parseHeader(body: Buffer): PngHeader {
  if (body.length !== 13) throw new Error('the PNG file must begin with its only header');
  const [depth = 0, colour = 0, , , interlaced = 0] = body.subarray(8);
  if (colour !== 0 && colour !== 3) throw new Error('it has several channels; a mask has one, grey or palette');
  if (![1, 2, 4, 8, 16].includes(depth) || (colour === 3 && depth === 16)) throw new Error(`it has ${depth} bits`);
  if (interlaced > 1) throw new Error('it is interlaced in an unknown way');
  return { width: body.readUInt32BE(0), height: body.readUInt32BE(4), depth, interlaced: interlaced === 1 };
}

interface Pass {
  readonly left: number;
  readonly top: number;
  readonly stepX: number;
  readonly stepY: number;
  readonly columns: number;
  readonly rows: number;
}

function passesOf({ width, height, interlaced }: PngHeader): readonly Pass[] {
  return (interlaced ? adam7 : [[0, 0, 1, 1] as const])
    .map(([left, top, stepX, stepY]) => {
      const columns = Math.ceil((width - left) / stepX);
      return { left, top, stepX, stepY, columns, rows: Math.ceil((height - top) / stepY) };
    })
    .filter(({ columns, rows }) => columns > 0 && rows > 0);
}

/** Undoes the filter of each row and spreads its numbers; where the next pass begins. */
function readPass(bytes: Uint8Array, from: number, pass: Pass, { width, depth }: PngHeader, data: Uint16Array): number {
  const rowBytes = Math.ceil((pass.columns * depth) / 8);
  let above: Uint8Array = new Uint8Array(rowBytes);
  let begin = from;
  for (let y = 0; y < pass.rows; y++, begin += 1 + rowBytes) {
    const row = bytes.subarray(begin + 1, begin + 1 + rowBytes);
    unfilter(bytes[begin] ?? 0, row, above, depth === 16 ? 2 : 1);
    const to = (pass.top + y * pass.stepY) * width + pass.left;
    for (let x = 0; x < pass.columns; x++) data[to + x * pass.stepX] = numberAt(row, x, depth);
    above = row;
  }
  return begin;
}

function numberAt(row: Uint8Array, x: number, depth: number): number {
  if (depth === 16) return ((row[2 * x] ?? 0) << 8) | (row[2 * x + 1] ?? 0);
  const bit = x * depth;
  return ((row[bit >> 3] ?? 0) >> (8 - depth - (bit % 8))) & ((1 << depth) - 1);
}

/** PNG specification, 9.2; the pixel before lies `step` bytes before. */
function unfilter(filter: number, row: Uint8Array, above: Uint8Array, step: number): void {
  if (filter > 4) throw new Error(`a row has the unknown filter ${filter}`);
  if (filter === 0) return;
  for (let at = 0; at < row.length; at++) {
    const [left, up, corner] = [row[at - step] ?? 0, above[at] ?? 0, above[at - step] ?? 0];
    row[at] = (row[at] ?? 0) + guess(filter, left, up, corner);
  }
}

function guess(filter: number, left: number, up: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return up;
  if (filter === 3) return (left + up) >> 1;
  const value = left + up - corner;
  const [toLeft, toUp, toCorner] = [Math.abs(value - left), Math.abs(value - up), Math.abs(value - corner)];
  if (toLeft <= toUp && toLeft <= toCorner) return left;
  return toUp <= toCorner ? up : corner;
}
