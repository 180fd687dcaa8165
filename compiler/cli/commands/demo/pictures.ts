/** The demo's test pictures: drawn in characters, and written to files for the commands that it names. */
import { crc32, deflateSync } from 'node:zlib';
import { toGrey, type Image8 } from '../../../../runtime/pictures/image.ts';

export interface LabelledImage {
  readonly image: Image8;
  readonly label: number;
}

const ramp = ' .:-=+*#%@';

/** The picture in characters from its darkest to its lightest grey; half as many rows, as characters are high. */
export function drawImage(image: Image8, columns: number): string[] {
  const { width, height, data } = toGrey(image);
  const rows = Math.round((columns * height) / width / 2);
  const means = Array.from({ length: rows }, (_, row) =>
    Array.from({ length: columns }, (__, column) => {
      const [fromY, toY] = [Math.floor((row * height) / rows), Math.floor(((row + 1) * height) / rows)];
      const [fromX, toX] = [Math.floor((column * width) / columns), Math.floor(((column + 1) * width) / columns)];
      let sum = 0;
      for (let y = fromY; y < toY; y++) for (let x = fromX; x < toX; x++) sum += data[y * width + x] ?? 0;
      return sum / ((toY - fromY) * (toX - fromX));
    }),
  );
  const [darkest, lightest] = [Math.min(...means.flat()), Math.max(...means.flat())];
  const characterOf = (mean: number): string => {
    // The background is a ramp of colours itself: what is below a quarter stays blank.
    const share = ((mean - darkest) / Math.max(1, lightest - darkest) - 0.25) / 0.75;
    return ramp[Math.min(ramp.length - 1, Math.max(0, Math.floor(share * ramp.length)))] ?? ' ';
  };
  return means.map((row) => row.map(characterOf).join(''));
}

/** Drawings with their captions next to each other, `columns` wide each. */
export const beside = (drawings: readonly (readonly string[])[], columns: number): string =>
  (drawings[0] ?? [])
    .map((_, line) => `   ${drawings.map((each) => (each[line] ?? '').padEnd(columns)).join('   ')}`.trimEnd())
    .join('\n');

/** A PNG file of 8 bits, without filters. */
export function encodePng({ width, height, channels, data }: Image8): Uint8Array {
  const row = width * channels;
  const rows = Buffer.alloc((row + 1) * height);
  for (let y = 0; y < height; y++) rows.set(data.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, channels === 3 ? 2 : 0], 8);
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([
    magic,
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(rows)),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Colour pictures of 32x32 in the binary form of CIFAR-10: a byte for the label, then the planes red, green, blue. */
export function encodeCifar(images: readonly LabelledImage[]): Uint8Array {
  const pixels = 32 * 32;
  const bytes = new Uint8Array(images.length * (1 + 3 * pixels));
  images.forEach(({ image, label }, index) => {
    const start = index * (1 + 3 * pixels);
    bytes[start] = label;
    for (let at = 0; at < 3 * pixels; at++) {
      bytes[start + 1 + (at % 3) * pixels + Math.floor(at / 3)] = image.data[at] ?? 0;
    }
  });
  return bytes;
}
