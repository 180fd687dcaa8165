import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import { encode as encodeJpeg } from 'jpeg-js';
import { PNG } from 'pngjs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { decodeImage, readImage } from '../../../runtime/node/images.ts';
import { faultOf, faultOfAsync } from '../fault.ts';
import { realData } from '../real-data.ts';

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8 + body.length);
  frame.writeUInt32BE(data.length);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), 4 + body.length);
  return frame;
}

interface PngForm {
  readonly width: number;
  readonly height: number;
  readonly depth: number;
  readonly colour: number;
  readonly interlace?: number;
}

/** A PNG file from raw rows, filter bytes included. */
function png(form: PngForm, rows: Uint8Array, extra: readonly Buffer[] = []): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(form.width, 0);
  header.writeUInt32BE(form.height, 4);
  header.set([form.depth, form.colour, 0, 0, form.interlace ?? 0], 8);
  const magic = Buffer.from([0x89, 0x50, 0x4e, 0x47, 13, 10, 26, 10]);
  const end = chunk('IEND', Buffer.alloc(0));
  return Buffer.concat([magic, chunk('IHDR', header), ...extra, chunk('IDAT', deflateSync(rows)), end]);
}

const pixelsOf = (file: Uint8Array) => [...decodeImage(file, 'x').data];

describe('decodeImage of PNG', () => {
  it.each<[string, Buffer, number[]]>([
    [
      '8-bit colour',
      png({ width: 2, height: 1, depth: 8, colour: 2 }, Buffer.of(0, 1, 2, 3, 4, 5, 6)),
      [1, 2, 3, 4, 5, 6],
    ],
    ['8-bit grey', png({ width: 2, height: 1, depth: 8, colour: 0 }, Buffer.of(0, 7, 9)), [7, 7, 7, 9, 9, 9]],
    [
      '1-bit grey',
      png({ width: 3, height: 1, depth: 1, colour: 0 }, Buffer.of(0, 0b10100000)),
      [255, 255, 255, 0, 0, 0, 255, 255, 255],
    ],
    ['4-bit grey', png({ width: 2, height: 1, depth: 4, colour: 0 }, Buffer.of(0, 0x1f)), [17, 17, 17, 255, 255, 255]],
    [
      '16-bit grey, rounded',
      png({ width: 2, height: 1, depth: 16, colour: 0 }, Buffer.of(0, 0x80, 0xff, 0x01, 0x00)),
      [129, 129, 129, 1, 1, 1].map((v, i) => (i < 3 ? Math.round(0x80ff / 257) : v)),
    ],
    [
      '16-bit colour',
      png({ width: 1, height: 1, depth: 16, colour: 2 }, Buffer.of(0, 255, 255, 0, 0, 16, 16)),
      [255, 0, 16],
    ],
    [
      'colour with alpha, which is dropped',
      png({ width: 1, height: 1, depth: 8, colour: 6 }, Buffer.of(0, 9, 8, 7, 0)),
      [9, 8, 7],
    ],
    ['grey with alpha', png({ width: 1, height: 1, depth: 8, colour: 4 }, Buffer.of(0, 9, 0)), [9, 9, 9]],
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
      [1, 2, 3],
    ],
    [
      'a transparent colour',
      png({ width: 1, height: 1, depth: 8, colour: 2 }, Buffer.of(0, 5, 6, 7), [
        chunk('tRNS', Buffer.of(0, 5, 0, 6, 0, 7)),
      ]),
      [5, 6, 7],
    ],
    ['interlacing', png({ width: 1, height: 1, depth: 8, colour: 0, interlace: 1 }, Buffer.of(0, 42)), [42, 42, 42]],
  ])('reads %s', (_, file, expected) => {
    expect(pixelsOf(file)).toEqual(expected);
  });

  const good = png({ width: 4, height: 3, depth: 8, colour: 0 }, new Uint8Array(15));
  const huge = { width: 8001, height: 8000, depth: 1, colour: 0 };
  const secondHeader = Buffer.alloc(13);
  secondHeader.writeUInt32BE(30000, 0);
  secondHeader.writeUInt32BE(30000, 4);
  secondHeader.set([8, 6, 0, 0, 0], 8);

  it.each<[string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'neither a PNG nor a JPEG'],
    ['text', Buffer.from('hello'), 'neither a PNG nor a JPEG'],
    ['more than 64 megapixels', png(huge, Buffer.alloc(4)), '8001x8000, more than 64 megapixels'],
    ['a width of 2^31', png({ ...huge, width: 2 ** 31, height: 2 ** 31 }, Buffer.alloc(4)), 'more than 64 megapixels'],
    ['no pixels', png({ width: 0, height: 5, depth: 8, colour: 0 }, Buffer.alloc(5)), '0x5 pixels'],
    [
      'a second header',
      png({ width: 1, height: 1, depth: 8, colour: 0 }, Buffer.of(0, 0), [chunk('IHDR', secondHeader)]),
      'only header',
    ],
    [
      'a bit depth that does not exist',
      png({ width: 1, height: 1, depth: 3, colour: 0 }, Buffer.of(0, 0)),
      'cannot decode',
    ],
    ['too few rows', png({ width: 4, height: 4, depth: 8, colour: 0 }, Buffer.alloc(5)), 'cannot decode'],
    [
      'an interlaced bomb',
      png({ width: 1, height: 1, depth: 8, colour: 0, interlace: 1 }, Buffer.alloc(10_000_000)),
      'cannot decode',
    ],
  ])('refuses %s', (_, file, message) => {
    const fault = faultOf(() => decodeImage(file, 'broken.png'));
    expect(fault).toMatch(/^E0713: cannot decode broken\.png: /);
    expect(fault).toContain(message);
  });

  it('refuses a file cut anywhere, and a flipped bit', () => {
    for (let length = 0; length < good.length; length++) {
      expect(faultOf(() => decodeImage(good.subarray(0, length), 'cut.png'))).toMatch(/^E0713/);
    }
    for (let at = 0; at < good.length; at++) {
      const broken = Buffer.from(good);
      broken[at] = (broken[at] ?? 0) ^ 4;
      expect(faultOf(() => decodeImage(broken, 'bit.png'))).toMatch(/^E0713/);
    }
  });
});

describe('decodeImage of JPEG', () => {
  const rgba = Buffer.alloc(16 * 16 * 4, 255);
  for (let pixel = 0; pixel < 256; pixel++) rgba.set([pixel, 255 - pixel, 128], pixel * 4);
  const good = encodeJpeg({ width: 16, height: 16, data: rgba }, 95).data;

  it('reads colour within the loss of the format', () => {
    const { width, height, data } = decodeImage(good, 'x.jpg');
    expect([width, height, data.length]).toEqual([16, 16, 768]);
    for (let pixel = 0; pixel < 256; pixel += 17) expect(Math.abs((data[pixel * 3] ?? 0) - pixel)).toBeLessThan(24);
  });

  it('refuses more than 64 megapixels by the header alone', () => {
    const broken = Buffer.from(good);
    const frame = broken.indexOf(Buffer.of(0xff, 0xc0));
    broken.writeUInt16BE(65000, frame + 5);
    broken.writeUInt16BE(65000, frame + 7);
    expect(faultOf(() => decodeImage(broken, 'x.jpg'))).toContain('65000x65000, more than 64 megapixels');
  });

  it('refuses a file cut anywhere', () => {
    for (let length = 0; length < good.length - 1; length++) {
      expect(faultOf(() => decodeImage(good.subarray(0, length), 'cut.jpg'))).toMatch(/^E0713/);
    }
  });

  it('refuses a second frame', () => {
    const frame = good.indexOf(Buffer.of(0xff, 0xc0));
    const copy = good.subarray(frame, frame + 2 + good.readUInt16BE(frame + 2));
    const twice = Buffer.concat([good.subarray(0, frame), copy, good.subarray(frame)]);
    expect(faultOf(() => decodeImage(twice, 'x.jpg'))).toContain('2 frames');
  });
});

describe('decodeImage of anything', () => {
  it('throws nothing but faults', () => {
    const jpeg = encodeJpeg({ width: 8, height: 8, data: Buffer.alloc(256, 90) }, 50).data;
    const seeds = [png({ width: 4, height: 3, depth: 8, colour: 2 }, new Uint8Array(39)), jpeg];
    const edits = fc.array(fc.tuple(fc.nat(1000), fc.nat(255)), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom(...seeds), edits, (seed, changes) => {
        const broken = Buffer.from(seed);
        for (const [at, value] of changes) broken[at % broken.length] = value;
        try {
          const { width, height, data } = decodeImage(broken, 'x');
          expect(data.length).toBe(width * height * 3);
        } catch (error) {
          if (!(error instanceof RuntimeFault)) throw error;
          expect(error.code).toBe('E0713');
        }
      }),
      { numRuns: 1000 },
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
      const rgba = PNG.sync.read(readFileSync(file)).data;
      expect(
        Buffer.compare(
          image.data,
          rgba.filter((_, at) => at % 4 !== 3),
        ),
      ).toBe(0);
      const difference = image.data.reduce((sum, value, at) => sum + Math.abs(value - (jpeg.data[at] ?? 0)), 0);
      expect(difference / image.data.length).toBeLessThan(6);
    }
  });
});
