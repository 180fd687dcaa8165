import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { decodeImage, readImage } from '../../../runtime/node/pictures/images.ts';
import { seenImage } from '../../../runtime/pictures/seen-image.ts';
import { faultOfAsync } from '../fault.ts';
import { realData } from '../real-data.ts';
import { chunk, rawPng as png } from './png.ts';

const pixelsOf = async (file: Uint8Array) => [...(await decodeImage(file, 'x')).data];
const decodingFault = (file: Uint8Array, name: string) => faultOfAsync(() => decodeImage(file, name));

describe('decodeImage of PNG', () => {
  it.each<[string, Buffer, number[]]>([
    [
      '8-bit colour',
      png({ width: 2, height: 1, depth: 8, colour: 2 }, Buffer.of(0, 1, 2, 3, 4, 5, 6)),
      [1, 2, 3, 4, 5, 6],
    ],
    ['8-bit grey', png({ width: 2, height: 1, depth: 8, colour: 0 }, Buffer.of(0, 7, 9)), [7, 9]],
    ['1-bit grey', png({ width: 3, height: 1, depth: 1, colour: 0 }, Buffer.of(0, 0b10100000)), [255, 0, 255]],
    ['4-bit grey', png({ width: 2, height: 1, depth: 4, colour: 0 }, Buffer.of(0, 0x1f)), [17, 255]],
    [
      '16-bit grey, rounded',
      png({ width: 2, height: 1, depth: 16, colour: 0 }, Buffer.of(0, 0x80, 0xff, 0x01, 0x00)),
      [Math.round(0x80ff / 257), 1],
    ],
    [
      '16-bit colour',
      png({ width: 1, height: 1, depth: 16, colour: 2 }, Buffer.of(0, 255, 255, 0, 0, 16, 16)),
      [255, 0, 16],
    ],
    ['colour with alpha', png({ width: 1, height: 1, depth: 8, colour: 6 }, Buffer.of(0, 9, 8, 7, 0)), [9, 8, 7, 0]],
    ['grey with alpha', png({ width: 1, height: 1, depth: 8, colour: 4 }, Buffer.of(0, 9, 0)), [9, 0]],
    [
      'a palette',
      png({ width: 2, height: 1, depth: 8, colour: 3 }, Buffer.of(0, 1, 0), [
        chunk('PLTE', Buffer.of(1, 2, 3, 4, 5, 6)),
      ]),
      [4, 5, 6, 1, 2, 3],
    ],
    [
      'a palette with transparency',
      png({ width: 1, height: 1, depth: 8, colour: 3 }, Buffer.of(0, 0), [
        chunk('PLTE', Buffer.of(1, 2, 3)),
        chunk('tRNS', Buffer.of(0)),
      ]),
      [1, 2, 3, 0],
    ],
    [
      'a transparent colour',
      png({ width: 1, height: 1, depth: 8, colour: 2 }, Buffer.of(0, 5, 6, 7), [
        chunk('tRNS', Buffer.of(0, 5, 0, 6, 0, 7)),
      ]),
      [5, 6, 7, 0],
    ],
    ['interlacing', png({ width: 1, height: 1, depth: 8, colour: 0, interlace: 1 }, Buffer.of(0, 42)), [42]],
  ])('reads %s', async (_, file, expected) => {
    expect(await pixelsOf(file)).toEqual(expected);
  });

  const good = png({ width: 4, height: 3, depth: 8, colour: 0 }, new Uint8Array(15));
  const huge = { width: 8001, height: 8000, depth: 1, colour: 0 };

  it.each<[string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'it is an empty file'],
    ['text', Buffer.from('hello'), 'it is a text; PNG, JPEG'],
    ['more than 64 megapixels', png(huge, Buffer.alloc(4)), '8001x8000, more than 64 megapixels'],
    ['a width of 2^31', png({ ...huge, width: 2 ** 31, height: 2 ** 31 }, Buffer.alloc(4)), 'cannot decode'],
    ['no pixels', png({ width: 0, height: 5, depth: 8, colour: 0 }, Buffer.alloc(5)), 'cannot decode'],
    [
      'a bit depth that does not exist',
      png({ width: 1, height: 1, depth: 3, colour: 0 }, Buffer.of(0, 0)),
      'cannot decode',
    ],
    ['too few rows', png({ width: 4, height: 4, depth: 8, colour: 0 }, Buffer.alloc(5)), 'cannot decode'],
  ])('refuses %s', async (_, file, message) => {
    const fault = await decodingFault(file, 'broken.png');
    expect(fault).toMatch(/^E0713: cannot decode broken\.png: /);
    expect(fault).toContain(message);
  });

  it('reads a file cut anywhere as a whole, or not at all', async () => {
    const whole = await pixelsOf(good);
    for (let length = 0; length < good.length; length++) {
      const cut = good.subarray(0, length);
      const fault = await decodingFault(cut, 'cut.png');
      // What is missing may be the end of the last, empty chunk.
      if (fault === 'no fault') expect([length > good.length - 13, await pixelsOf(cut)]).toEqual([true, whole]);
      else expect(fault).toMatch(/^E0713: cannot decode cut\.png: /);
    }
  });

  it('refuses a flipped bit', async () => {
    const rows = Buffer.alloc(3 * 33);
    const file = png({ width: 32, height: 3, depth: 8, colour: 0 }, rows);
    // Behind the header's checksum, up to the end of the compressed rows.
    for (let at = 41; at < file.length - 16; at++) {
      const broken = Buffer.from(file);
      broken[at] = (broken[at] ?? 0) ^ 4;
      expect([at, await decodingFault(broken, 'bit.png')]).toEqual([at, expect.stringMatching(/^E0713/)]);
    }
  });
});

describe('decodeImage of JPEG', () => {
  const rgb = Buffer.alloc(16 * 16 * 3, 128);
  for (let pixel = 0; pixel < 256; pixel++) rgb.set([pixel, 255 - pixel], pixel * 3);
  let good = Buffer.alloc(0);
  beforeAll(async () => {
    good = await sharp(rgb, { raw: { width: 16, height: 16, channels: 3 } })
      .jpeg({ quality: 95 })
      .toBuffer();
  });

  it('reads colour within the loss of the format', async () => {
    const { width, height, channels, data } = await decodeImage(good, 'x.jpg');
    expect([width, height, channels, data.length]).toEqual([16, 16, 3, 768]);
    for (let pixel = 0; pixel < 256; pixel += 17) expect(Math.abs((data[pixel * 3] ?? 0) - pixel)).toBeLessThan(24);
  });

  it('refuses more than 64 megapixels by the header alone', async () => {
    const broken = Buffer.from(good);
    const frame = broken.indexOf(Buffer.of(0xff, 0xc0));
    broken.writeUInt16BE(65000, frame + 5);
    broken.writeUInt16BE(65000, frame + 7);
    expect(await decodingFault(broken, 'x.jpg')).toContain('65000x65000, more than 64 megapixels');
  });

  it('refuses a file cut anywhere, and one with a hole in its picture', async () => {
    for (let length = 0; length < good.length; length++) {
      expect(await decodingFault(good.subarray(0, length), 'cut.jpg')).toMatch(/^E0713/);
    }
    const hole = Buffer.from(good).fill(0, good.length - 60, good.length - 30);
    expect(await decodingFault(hole, 'hole.jpg')).toMatch(/^E0713: cannot decode hole\.jpg: its data is damaged/);
  });
});

describe('decodeImage of anything', () => {
  it('throws nothing but faults', async () => {
    const grey = sharp(Buffer.alloc(64, 90), { raw: { width: 8, height: 8, channels: 1 } });
    const files = [grey.clone().jpeg(), grey.clone().webp(), grey.clone().gif(), grey.clone().tiff()];
    const encoded = await Promise.all(files.map((file) => file.toBuffer()));
    const seeds = [png({ width: 4, height: 3, depth: 8, colour: 2 }, new Uint8Array(39)), ...encoded];
    const edits = fc.array(fc.tuple(fc.nat(1000), fc.nat(255)), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...seeds), edits, async (seed, changes) => {
        const broken = Buffer.from(seed);
        for (const [at, value] of changes) broken[at % broken.length] = value;
        try {
          const { width, height, channels, data } = await decodeImage(broken, 'x');
          expect(data.length).toBe(width * height * channels);
        } catch (error) {
          if (!(error instanceof RuntimeFault)) throw error;
          expect(error.code).toBe('E0713');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('says which file cannot be read', async () => {
    expect(await faultOfAsync(() => readImage('/nonexistent/a.png'))).toBe(
      'E0710: cannot read /nonexistent/a.png: there is no such file or folder',
    );
  });
});

describe('real photographs', () => {
  it('decodes PNG and JPEG of the same pictures alike', async () => {
    const folder = realData('photos');
    if (!folder) return;
    for (const name of readdirSync(join(folder, 'jpeg')).slice(0, 16)) {
      const jpeg = await readImage(join(folder, 'jpeg', name));
      const file = join(folder, '224', name.replace(/\.jpe?g$/, '.png'));
      const image = await readImage(file);
      expect([image.width, image.height, jpeg.width, jpeg.height]).toEqual([224, 224, 224, 224]);
      const { data } = seenImage(image, {});
      const difference = data.reduce((sum, value, at) => sum + Math.abs(value - (jpeg.data[at] ?? 0)), 0);
      expect(difference / data.length).toBeLessThan(6);
    }
  });
});
