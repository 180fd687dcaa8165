/** Sizes of pictures by their headers: those that decoding gives, wherever in the file they stand. */
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { openFile } from '../../../runtime/node/file-access.ts';
import { pictureSize, plainSize, readHead } from '../../../runtime/node/picture-size.ts';
import { faultOfAsync } from '../fault.ts';
import { chunk, flatPng, rawPng } from './png.ts';
import { temporaryFolder } from './temporary-folder.ts';

const [width, height] = [70, 30];
const picture = () => sharp({ create: { width, height, channels: 3, background: '#123456' } });
const bytes = (length: number) => Buffer.alloc(length, 1);

/** A segment of a JPEG file: the marker, and a length that counts itself. */
function segment(marker: number, data: Buffer): Buffer {
  const head = Buffer.of(0xff, marker, 0, 0);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([head, data]);
}

/** In front of all segments but the first two bytes. */
const withFront = (file: Buffer, ...segments: readonly Buffer[]) =>
  Buffer.concat([file.subarray(0, 2), ...segments, file.subarray(2)]);

const pngWith = (...chunks: readonly Buffer[]) =>
  rawPng({ width, height, depth: 8, colour: 0 }, bytes((width + 1) * height), chunks);

it.each<[string, () => Buffer | Promise<Buffer>]>([
  ['JPEG', () => picture().jpeg().toBuffer()],
  ['progressive JPEG', () => picture().jpeg({ progressive: true }).toBuffer()],
  ['JPEG with much in front', async () => withFront(await picture().jpeg().toBuffer(), segment(0xe2, bytes(60_000)))],
  ['JPEG with a comment', async () => withFront(await picture().jpeg().toBuffer(), segment(0xfe, bytes(9)))],
  ['PNG', () => flatPng(width, height, [1, 2, 3])],
  ['PNG with a text', () => pngWith(chunk('tEXt', bytes(5000)))],
])('of %s stand in the first bytes or are found behind others', async (_, make) => {
  const path = join(temporaryFolder({ x: await make() }), 'x');
  const file = await openFile(path);
  expect(await plainSize(file, await readHead(file))).toEqual({ width, height, orientation: 1 });
  await file.close();
  // What decodes the picture says the same.
  expect(await sharp(path).metadata()).toMatchObject({ width, height });
});

it.each<[string, () => Promise<Buffer>, number]>([
  ['turned JPEG', () => picture().withMetadata({ orientation: 6 }).jpeg().toBuffer(), 6],
  ['JPEG with a byte between', async () => withFront(await picture().jpeg().toBuffer(), Buffer.of(0xff)), 1],
  ['turned PNG', () => picture().withMetadata({ orientation: 8 }).png().toBuffer(), 8],
  ['WebP', () => picture().webp().toBuffer(), 1],
  ['GIF', () => picture().gif().toBuffer(), 1],
  ['TIFF', () => picture().tiff().toBuffer(), 1],
  ['AVIF', () => picture().avif().toBuffer(), 1],
])('of %s are asked of the decoder', async (_, make, orientation) => {
  const path = join(temporaryFolder({ x: await make() }), 'x');
  const file = await openFile(path);
  expect(await plainSize(file, await readHead(file))).toBeUndefined();
  await file.close();
  expect(await pictureSize(path)).toMatchObject({ width, height, orientation });
});

it('of a file that is no picture are none', async () => {
  const jpeg = await picture().jpeg().toBuffer();
  const folder = temporaryFolder({
    'empty.jpg': '',
    'text.png': 'no picture',
    'cut.jpg': jpeg.subarray(0, 12),
    'endless.jpg': Buffer.concat([jpeg.subarray(0, 2), ...Array.from({ length: 2000 }, () => segment(0xfe, bytes(0)))]),
    'short.jpg': withFront(jpeg, Buffer.of(0xff, 0xfe, 0, 0)),
    'cut.png': flatPng(width, height, [1, 2, 3]).subarray(0, 35),
  });
  expect(await faultOfAsync(() => pictureSize(join(folder, 'empty.jpg')))).toMatch(
    /^E0713: cannot decode .*empty\.jpg: it is an empty file; /,
  );
  for (const name of ['text.png', 'cut.jpg', 'endless.jpg', 'cut.png']) {
    expect(await faultOfAsync(() => pictureSize(join(folder, name)))).toMatch(/^E0713: cannot decode /);
  }
  // The decoder is asked, which goes on at the next marker or gives up.
  const file = await openFile(join(folder, 'short.jpg'));
  expect(await plainSize(file, await readHead(file))).toBeUndefined();
  await file.close();
});
