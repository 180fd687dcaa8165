import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { findFiles } from '../../../runtime/node/datasets/glob.ts';
import { locateImageMaskFolder } from '../../../runtime/node/datasets/image-mask-folder.ts';
import type { DatasetOptions } from '../../../runtime/node/datasets/dataset.ts';
import { decodeMask } from '../../../runtime/node/pictures/mask-png.ts';
import { faultOf } from '../fault.ts';
import { realData } from '../real-data.ts';
import { flatPng, greyPng, rawPng } from './png.ts';
import { temporaryFolder } from './temporary-folder.ts';

const colourPng = (width: number, height: number): Buffer => flatPng(width, height, [200, 200, 200]);

describe('decodeMask', () => {
  const values = Array.from({ length: 11 * 7 }, (_, at) => (at * 7 + Math.floor(at / 5)) % 256);

  it.each([0, 1, 2, 3, 4].flatMap((filter) => [1, 2, 4, 8].map((depth) => [filter, depth] as const)))(
    'reads grey values and palette indices with filter %i and %i bits',
    (filter, depth) => {
      const few = values.map((value) => value % 2 ** depth);
      for (const colour of [0, 3]) {
        const mask = decodeMask(greyPng({ width: 11, height: 7, values: few, depth, colour, filter }), 'm.png');
        expect([mask.width, mask.height, [...mask.data]]).toEqual([11, 7, few]);
      }
    },
  );

  it.each([false, true])("agrees with libpng's own files, interlaced: %s", async (progressive) => {
    const raw = { width: 11, height: 7, channels: 1 } as const;
    const grey = sharp(Buffer.from(values), { raw }).toColourspace('b-w').png({ progressive });
    expect([...decodeMask(await grey.toBuffer(), 'm.png').data]).toEqual(values);
  });

  it('reads 16 bits where the numbers are those of classes', () => {
    const file = rawPng({ width: 2, height: 2, depth: 16, colour: 0 }, Buffer.of(0, 0, 0, 0, 255, 0, 0, 7, 0, 254));
    expect([...decodeMask(file, 'm.png').data]).toEqual([0, 255, 7, 254]);
  });

  const good = { width: 2, height: 2, values: [0, 1, 2, 3] };
  it.each<[string, Buffer, string]>([
    ['colours', colourPng(2, 2), 'it has several channels'],
    [
      'a number that is no class',
      rawPng({ width: 2, height: 1, depth: 16, colour: 0 }, Buffer.of(0, 0, 3, 1, 44)),
      'pixel (1, 0) is 300; classes end at 254',
    ],
    ['an interlacing that there is not', greyPng({ ...good, interlaced: 2 }), 'interlaced in an unknown way'],
    ['a filter that there is not', greyPng({ ...good, filter: 9 }), 'the unknown filter 9'],
    [
      'missing rows',
      rawPng({ width: 2, height: 2, depth: 8, colour: 0 }, Buffer.of(0, 1, 2)),
      'the picture has 3 of 6 bytes',
    ],
    ['no picture', Buffer.from('mask'), 'it is a text; masks are PNG files'],
    ['a JPEG file', Buffer.from([0xff, 0xd8, 0xff, 0xd9]), 'it is a JPEG picture, whose values are not exact'],
  ])('refuses %s', (_, file, message) => {
    expect(faultOf(() => decodeMask(file, 'm.png'))).toMatch(/^E0713: cannot decode the mask m\.png: /);
    expect(faultOf(() => decodeMask(file, 'm.png'))).toContain(message);
  });
});

describe('findFiles', () => {
  const folder = () =>
    temporaryFolder({ 'a/1.png': '', 'a/2.jpg': '', 'a/.3.png': '', 'a/b/4.png': '', 'c/5.png': '', 'a/n[1].txt': '' });

  it.each([
    ['a/*.png', ['1.png']],
    ['a/?.{png,jpg}', ['1.png', '2.jpg']],
    ['*/*.png', ['a/1.png', 'c/5.png']],
    ['**/*.png', ['a/1.png', 'a/b/4.png', 'c/5.png']],
    ['a/.*.png', ['.3.png']],
    ['a/n[1].txt', ['n[1].txt']],
    ['a/b', ['4.png']],
    ['none/*', []],
  ])('finds %s', async (pattern, files) => {
    expect((await findFiles({ folder: folder(), pattern })).map(({ relative }) => relative)).toEqual(files);
  });
});

describe('image-mask-folder', () => {
  const mask = (width: number, height: number, value: number) =>
    greyPng({ width, height, values: Array<number>(width * height).fill(value) });
  const files = {
    'i/b.png': colourPng(3, 2),
    'i/a.png': colourPng(2, 2),
    'm/a.png': mask(2, 2, 1),
    'm/b.png': mask(3, 2, 255),
  };
  const paths = (folder: string, images: string, masks: string) => ({
    images: { folder, pattern: images },
    masks: { folder, pattern: masks },
  });
  const open = async (folder: string, options: DatasetOptions = {}) =>
    (await locateImageMaskFolder(paths(folder, 'i/*', 'm/*.png'), options)).open();

  it('pairs pictures with masks by name', async () => {
    const folder = temporaryFolder(files);
    const dataset = await open(folder, { classes: 2, ignore: 255 });
    expect([dataset.size, dataset.target]).toEqual([2, 'mask']);
    const { input, target, name } = await dataset.read(0);
    expect([name, target.kind === 'mask' && [...target.mask.data]]).toEqual([join(folder, 'i/a.png'), [1, 1, 1, 1]]);
    expect(input.kind === 'image' && input.image.data[0]).toBe(200);
    expect((await dataset.read(1)).target).toMatchObject({ mask: { width: 3, height: 2 } });
  });

  it('reads CamVid', async () => {
    const folder = realData('camvid');
    if (!folder) return;
    const located = await locateImageMaskFolder(paths(folder, 'train/*.png', 'train-masks/*.png'), {
      classes: 11,
      ignore: 11,
      classNames: join(folder, 'labels.txt'),
    });
    const dataset = await located.open();
    expect([dataset.size, dataset.classNames?.[8]]).toEqual([367, 'car']);
    const seen = new Set<number>();
    for (let index = 0; index < 367; index += 40) {
      const { target } = await dataset.read(index);
      if (target.kind === 'mask') target.mask.data.forEach((value) => seen.add(value));
    }
    expect([...seen].toSorted((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, at) => at));
  });
});
