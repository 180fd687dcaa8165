/** Headers of pictures: what the decoder says, wherever in the file they stand. */
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import type { ImageHeader } from '../../../runtime/node/pictures/picture-kind.ts';
import { openFile } from '../../../runtime/node/file-access.ts';
import { headerOf } from '../../../runtime/node/pictures/image-header.ts';
import { plainHeader, readHead } from '../../../runtime/node/pictures/plain-header.ts';
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

const plain = { width, height, depth: 8, orientation: 1 } as const;
const grey = { colours: 'grey', hasAlpha: false, channels: 1 } as const;
const rgb = { colours: 'rgb', hasAlpha: false, channels: 3 } as const;
const png = (colour: 0 | 2 | 4 | 6, channels: number) =>
  rawPng({ width, height, depth: 8, colour }, bytes((width * channels + 1) * height), []);

it.each<[string, () => Buffer | Promise<Buffer>, Omit<ImageHeader, keyof typeof plain>]>([
  ['JPEG', () => picture().jpeg().toBuffer(), { format: 'jpeg', ...rgb }],
  ['grey JPEG', () => picture().toColourspace('b-w').jpeg().toBuffer(), { format: 'jpeg', ...grey }],
  ['progressive JPEG', () => picture().jpeg({ progressive: true }).toBuffer(), { format: 'jpeg', ...rgb }],
  [
    'JPEG with much in front',
    async () => withFront(await picture().jpeg().toBuffer(), segment(0xe2, bytes(60_000))),
    { format: 'jpeg', ...rgb },
  ],
  [
    'JPEG with a comment',
    async () => withFront(await picture().jpeg().toBuffer(), segment(0xfe, bytes(9))),
    { format: 'jpeg', ...rgb },
  ],
  ['PNG', () => flatPng(width, height, [1, 2, 3]), { format: 'png', ...rgb }],
  ['PNG with a text', () => pngWith(chunk('tEXt', bytes(5000))), { format: 'png', ...grey }],
  ['PNG with alpha', () => png(6, 4), { format: 'png', ...rgb, hasAlpha: true, channels: 4 }],
  ['grey PNG with alpha', () => png(4, 2), { format: 'png', ...grey, hasAlpha: true, channels: 2 }],
])('of %s stand in the first bytes or are found behind others', async (_, make, colours) => {
  const path = join(temporaryFolder({ x: await make() }), 'x');
  const file = await openFile(path);
  expect(await plainHeader(file, await readHead(file))).toEqual({ ...plain, ...colours });
  await file.close();
  // What decodes the picture says the same.
  const { channels, hasAlpha } = colours;
  const space = colours.colours === 'grey' ? 'b-w' : 'srgb';
  expect(await sharp(path).metadata()).toMatchObject({ width, height, depth: 'uchar', space, channels, hasAlpha });
});

it.each<[string, () => Promise<Buffer>, number]>([
  ['turned JPEG', () => picture().withMetadata({ orientation: 6 }).jpeg().toBuffer(), 6],
  ['JPEG with a byte between', async () => withFront(await picture().jpeg().toBuffer(), Buffer.of(0xff)), 1],
  ['JPEG of four inks', () => picture().toColourspace('cmyk').jpeg().toBuffer(), 1],
  ['PNG of a palette', () => picture().png({ palette: true }).toBuffer(), 1],
  ['PNG of 16 bits', () => picture().toColourspace('rgb16').png().toBuffer(), 1],
  ['PNG with a transparent colour', () => Promise.resolve(pngWith(chunk('tRNS', Buffer.of(0, 1)))), 1],
  ['turned PNG', () => picture().withMetadata({ orientation: 8 }).png().toBuffer(), 8],
  ['WebP', () => picture().webp().toBuffer(), 1],
  ['GIF', () => picture().gif().toBuffer(), 1],
  ['TIFF', () => picture().tiff().toBuffer(), 1],
  ['AVIF', () => picture().avif().toBuffer(), 1],
])('of %s are asked of the decoder', async (_, make, orientation) => {
  const path = join(temporaryFolder({ x: await make() }), 'x');
  const file = await openFile(path);
  expect(await plainHeader(file, await readHead(file))).toBeUndefined();
  await file.close();
  expect(await headerOf(path)).toMatchObject({ width, height, orientation });
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
  expect(await faultOfAsync(() => headerOf(join(folder, 'empty.jpg')))).toMatch(
    /^E0713: cannot decode .*empty\.jpg: it is an empty file; /,
  );
  for (const name of ['text.png', 'cut.jpg', 'endless.jpg', 'cut.png']) {
    expect(await faultOfAsync(() => headerOf(join(folder, name)))).toMatch(/^E0713: cannot decode /);
  }
  // The decoder is asked, which goes on at the next marker or gives up.
  const file = await openFile(join(folder, 'short.jpg'));
  expect(await plainHeader(file, await readHead(file))).toBeUndefined();
  await file.close();
});
