/** PNG files for tests: of one channel with any bit depth and filter, of one colour, and from raw rows. */
import { crc32, deflateSync } from 'node:zlib';

export interface GreyPng {
  readonly width: number;
  readonly height: number;
  /** One number a pixel. */
  readonly values: readonly number[];
  /** Bits of a pixel. */
  readonly depth?: number;
  /** 0 is grey, 3 a palette. */
  readonly colour?: number;
  /** Filter of every row; 0 to 4. */
  readonly filter?: number;
  readonly interlaced?: number;
}

export function greyPng({ width, height, values, depth = 8, colour = 0, filter = 0, interlaced = 0 }: GreyPng): Buffer {
  const rowBytes = Math.ceil((width * depth) / 8);
  const rows = Buffer.alloc((rowBytes + 1) * height);
  const plain = Array.from({ length: height }, (_, y) => {
    const row = Buffer.alloc(rowBytes);
    for (let x = 0; x < width; x++) {
      const at = (x * depth) >> 3;
      row[at] = (row[at] ?? 0) | ((values[y * width + x] ?? 0) << (8 - depth - ((x * depth) % 8)));
    }
    return row;
  });
  plain.forEach((row, y) => {
    rows[y * (rowBytes + 1)] = filter;
    row.forEach((value, at) => {
      const [left, up, corner] = [row[at - 1] ?? 0, plain[y - 1]?.[at] ?? 0, plain[y - 1]?.[at - 1] ?? 0];
      rows[y * (rowBytes + 1) + 1 + at] = value - (guess(filter, left, up, corner) ?? 0);
    });
  });
  const palette = colour === 3 ? [chunk('PLTE', Buffer.alloc(3 * 2 ** depth, 77))] : [];
  return rawPng({ width, height, depth, colour, interlace: interlaced }, rows, palette);
}

export interface PngForm {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlace?: number;
}

/** From rows as they are stored, filter bytes included, with chunks in front of them. */
export function rawPng(form: PngForm, rows: Uint8Array, extra: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(form.width, 0);
  header.writeUInt32BE(form.height, 4);
  header.set([form.depth, form.colour, 0, 0, form.interlace ?? 0], 8);
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const end = chunk('IEND', Buffer.alloc(0));
  return Buffer.concat([magic, chunk('IHDR', header), ...extra, chunk('IDAT', deflateSync(rows)), end]);
}

/** All of one colour. */
export function flatPng(width: number, height: number, [red, green, blue]: readonly [number, number, number]): Buffer {
  const row = Buffer.alloc(1 + width * 3);
  for (let x = 0; x < width; x++) row.set([red, green, blue], 1 + x * 3);
  return rawPng({ width, height, depth: 8, colour: 2 }, Buffer.concat(Array.from({ length: height }, () => row)));
}

function guess(filter: number, left: number, up: number, corner: number): number | undefined {
  const nearest = [left, up, corner].toSorted(
    (a, b) => Math.abs(left + up - corner - a) - Math.abs(left + up - corner - b),
  )[0];
  return [0, left, up, (left + up) >> 1, nearest][filter];
}

export function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}
