/** Pictures and masks of sizes that do not fit, before anything is decoded. */
import { join } from 'node:path';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import type { PreprocessStep } from '../../../runtime/artifact.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { checkSizes, type Wanted } from '../../../runtime/node/check-sizes.ts';
import { openLoader } from '../../../runtime/node/loader.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { Augment } from '../../../runtime/train/recipe.ts';
import { faultOfAsync } from '../fault.ts';
import { flatPng, greyPng } from './png.ts';
import { temporaryFolder } from './temporary-folder.ts';

const wanted: Wanted = { shape: [3, 8, 8], preprocess: [], augment: [], ignore: undefined };
const resize = (size: number, height?: number): PreprocessStep => ({
  op: 'resize',
  size: height === undefined ? size : [size, height],
});
const crop = (size: number): PreprocessStep => ({ op: 'center_crop', size });
const randomCrop = (size: number, pad = 0): Augment => ({ kind: 'random_crop', size, pad });
const resizedCrop = (size: number): Augment => ({
  kind: 'random_resized_crop',
  size,
  scale: [0.1, 1],
  ratio: [0.75, 1.33],
});

/** A source of pictures of the given widths and heights, called a.png, b.png, ... */
function sourceOf(sizes: readonly (readonly [number, number])[]) {
  const names = sizes.map((_, at) => `${String.fromCharCode(97 + at)}.png`);
  const folder = temporaryFolder(
    Object.fromEntries(sizes.map(([width, height], at) => [names[at] ?? '', flatPng(width, height, [1, 2, 3])])),
  );
  const files = names.map((name) => join(folder, name));
  return { folder, name: 'it', size: files.length, filesOf: (position: number) => [files[position] ?? ''] };
}

async function thrown(action: () => Promise<void>): Promise<RuntimeFault> {
  try {
    await action();
  } catch (error) {
    if (error instanceof RuntimeFault) return error;
    throw error;
  }
  throw new Error('there is no fault');
}

describe('pictures', () => {
  const mixed = [
    [8, 8],
    [9, 20],
    [8, 8],
    [16, 8],
  ] as const;

  it.each<[string, Partial<Wanted>, string, string]>([
    [
      'without any resizing',
      {},
      "b.png is 9x20, but the model's input is 8x8; a.png (8x8) fits; 2 of 4 pictures of it do not",
      "`resize(8px)` and `center_crop(8px)` in the model's preprocess bring any picture to this size",
    ],
    [
      'whose shorter side alone is given',
      { preprocess: [resize(8)] },
      // torchvision's Resize(8) of 9x20 gives 8 and trunc(8 * 20 / 9) = 17.
      "b.png (9x20) is 8x17 after resizing and cropping, but the model's input is 8x8; a.png (8x8) fits; 2 of 4 pictures of it do not",
      "`resize(8px)` and `center_crop(8px)` in the model's preprocess bring any picture to this size",
    ],
    [
      'of which none fits',
      { shape: [3, 6, 4] },
      "a.png is 8x8, but the model's input is 4x6; none of 4 pictures of it fits",
      "`resize(4px, 6px)` in the model's preprocess brings any picture to this size",
    ],
    [
      'cropped to another size',
      { preprocess: [resize(10), crop(7)] },
      "a.png (8x8) is 7x7 after resizing and cropping, but the model's input is 8x8; none of 4 pictures of it fits",
      "`resize(8px)` and `center_crop(8px)` in the model's preprocess bring any picture to this size",
    ],
    [
      'cropped to another size in training',
      { preprocess: [resize(10), crop(8)], augment: [resizedCrop(7)] },
      "a.png (8x8) is 7x7 after resizing and cropping, but the model's input is 8x8; none of 4 pictures of it fits",
      'give the last crop in augment the size 8px',
    ],
    [
      'smaller than a crop',
      { shape: [3, 9, 9], augment: [randomCrop(9)] },
      'random_crop(9px) is larger than a.png, which is 8x8; b.png (9x20) fits; 3 of 4 pictures of it do not',
      'give random_crop a smaller size or a larger pad',
    ],
  ])('%s are refused, with one that fits and one that does not', async (_, change, message, help) => {
    const source = sourceOf(mixed);
    const fault = await thrown(() => checkSizes(source, { ...wanted, ...change }));
    expect([fault.code, fault.message.replaceAll(`${source.folder}/`, ''), fault.help]).toEqual([
      'E0906',
      message,
      help,
    ]);
  });

  it.each<[string, Partial<Wanted>]>([
    ['cropped', { preprocess: [crop(8)] }],
    ['resized and cropped', { preprocess: [resize(9), crop(8)] }],
    ['resized to both sides', { preprocess: [resize(8, 8)] }],
    ['cropped at random', { preprocess: [resize(8)], augment: [randomCrop(8)] }],
    ['cropped at random with a border', { augment: [randomCrop(8, 4)] }],
    ['cropped and resized at random', { augment: [resizedCrop(8)] }],
    ['of any size for a model of open size', { shape: undefined }],
  ])('that are %s fit', async (_, change) => {
    await checkSizes(sourceOf(mixed), { ...wanted, ...change });
  });

  it('are not looked at where any size would do', async () => {
    const source = { name: 'it', size: 2, filesOf: () => ['/nowhere/1.png'] };
    await checkSizes(source, { ...wanted, preprocess: [resize(9), crop(8)] });
    expect(await faultOfAsync(() => checkSizes(source, wanted))).toMatch(/^E0710: cannot read \/nowhere\/1\.png/);
  });

  it('are as large as they are seen', async () => {
    const turned = await sharp({ create: { width: 8, height: 6, channels: 3, background: 'red' } })
      .withMetadata({ orientation: 6 })
      .jpeg()
      .toBuffer();
    const path = join(temporaryFolder({ '1.jpg': turned }), '1.jpg');
    const source = { name: 'it', size: 1, filesOf: () => [path] };
    await checkSizes(source, { ...wanted, shape: [3, 8, 6] });
    expect(await faultOfAsync(() => checkSizes(source, { ...wanted, shape: [3, 6, 8] }))).toContain('is 6x8, but');
    await checkSizes(source, { ...wanted, shape: [3, 6, 8], preprocess: [{ op: 'picture', orientation: 'ignore' }] });
  });
});

describe('masks', () => {
  const grey = (width: number, height: number) =>
    greyPng({ width, height, values: Array<number>(width * height).fill(0) });
  const jpeg = (width: number, height: number, orientation = 1) =>
    sharp({ create: { width, height, channels: 3, background: 'red' } })
      .withMetadata({ orientation })
      .jpeg()
      .toBuffer();

  async function opened(files: Readonly<Record<string, Buffer>>) {
    const folder = temporaryFolder(files);
    const split = { train: 2, seed: 0 };
    const spec = { name: 'd', format: 'image-mask-folder', images: 'i/*', masks: 'm/*', split, classes: 2 } as const;
    return { folder, data: await openTrainingData(spec, folder, { target: 'mask' }) };
  }

  it.each<[string, readonly [number, number], readonly [number, number]]>([
    ['larger', [7, 5], [8, 6]],
    ['turned', [7, 5], [5, 7]],
  ])('that are %s than their pictures are found, whatever is cropped', async (_, [width, height], [wide, high]) => {
    const { folder, data } = await opened({
      'i/1.jpg': await jpeg(9, 9),
      'i/2.jpg': await jpeg(width, height),
      'm/1.png': grey(9, 9),
      'm/2.png': grey(wide, high),
    });
    const preprocess = [resize(4), crop(4)];
    const input = { name: 'x', shape: [3, 4, 4] as const };
    const settings = { data, split: 'train', mode: 'train', batch: 1, seed: 0, preprocess, input } as const;
    const fault = await faultOfAsync(() => openLoader({ ...settings, target: { kind: 'mask' } }));
    expect(fault.replaceAll(`${folder}/`, '')).toBe(
      `E0714: the mask m/2.png is ${wide}x${high}, but its picture i/2.jpg is ${width}x${height}`,
    );
    await data.close();
  });

  it('of the stored rows are refused where the picture is turned, unless it is not to be', async () => {
    const { folder, data } = await opened({
      'i/1.jpg': await jpeg(7, 5, 6),
      'i/2.jpg': await jpeg(7, 5, 3),
      'm/1.png': grey(7, 5),
      'm/2.png': grey(7, 5),
    });
    const sized = { ...wanted, shape: undefined };
    const source = data.train ?? { name: 'it', size: 0 };
    const fault = await thrown(() => checkSizes(source, sized));
    expect(fault.message.replaceAll(`${folder}/`, '')).toBe(
      'the mask of i/1.jpg is 7x5, but the picture is seen as 5x7',
    );
    expect(fault.code).toBe('E0714');
    expect(fault.help).toContain('`orientation = ignore`');
    await checkSizes(source, { ...sized, preprocess: [{ op: 'picture', orientation: 'ignore' }] });
    await data.close();
  });
});
