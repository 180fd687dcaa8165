import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { DataOverrides } from '../../../runtime/node/training-data.ts';
import { encodeNpy } from '../../../runtime/files/npy.ts';
import { fromFloat32 } from '../../../runtime/files/stored-tensor.ts';
import type { SampleSource } from '../../../runtime/train/loader.ts';
import type { DataSpec } from '../../../runtime/train/recipe.ts';
import { labelOf } from '../../../runtime/train/sample.ts';
import { faultOfAsync } from '../fault.ts';
import { realData } from '../real-data.ts';
import { flatPng, greyPng } from './png.ts';
import { temporaryFolder } from './temporary-folder.ts';

type Spec = Partial<Omit<DataSpec, 'format'>> & Pick<DataSpec, 'format'>;

const specOf = (spec: Spec): DataSpec => ({ name: 'data', split: { seed: 1 }, ...spec });

async function open(spec: Spec, folder = '.', overrides: DataOverrides = {}) {
  const data = await openTrainingData(specOf(spec), folder, overrides);
  onTestFinished(() => data.close());
  return data;
}

const faultOfOpening = (spec: Spec, folder = '.') => faultOfAsync(() => open(spec, folder));
const sizes = (data: Record<'train' | 'val' | 'test', SampleSource | undefined>) => [
  data.train?.size,
  data.val?.size,
  data.test?.size,
];
const labelsOf = (source: SampleSource | undefined) =>
  Promise.all(Array.from({ length: source?.size ?? 0 }, async (_, at) => source && labelOf(await source.read(at))));
const indicesOf = (source: SampleSource | undefined) =>
  Array.from({ length: source?.size ?? 0 }, (_, position) => source?.indexOf(position));

/** Records of CIFAR's binary format with the labels, each picture of one colour. */
const cifar = (labels: readonly number[]) =>
  Buffer.concat(labels.map((label, at) => Buffer.concat([Buffer.of(label), Buffer.alloc(3072, at)])));

function idx(magic: number, dims: readonly number[], data: readonly number[]): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  [magic, ...dims].forEach((value, at) => header.writeUInt32BE(value, at * 4));
  return Buffer.concat([header, Buffer.from(data)]);
}

const turns = (count: number, classes: number) => Array.from({ length: count }, (_, at) => at % classes);

const onePixel = (value: number): Buffer => flatPng(1, 1, [value, value, value]);

describe('a pool of samples', () => {
  it('is split by counts and seed into parts without common samples', async () => {
    const folder = temporaryFolder({ 'x.bin': cifar(turns(30, 10)) });
    const spec = { format: 'cifar-binary', path: 'x.bin', split: { train: 15, val: 6, test: 4, seed: 2 } } as const;
    const data = await open(spec, folder);
    expect([sizes(data), data.classes, data.channels, data.shape]).toEqual([[15, 6, 4], 10, 3, [3, 32, 32]]);
    const all = [data.train, data.val, data.test].flatMap(indicesOf);
    expect(new Set(all).size).toBe(25);
    expect([data.train, data.val, data.test].flatMap(indicesOf)).toEqual(
      await open(spec, folder).then((again) => [again.train, again.val, again.test].flatMap(indicesOf)),
    );
    expect(indicesOf((await open(spec, folder, { split: { seed: 3 } })).train)).not.toEqual(indicesOf(data.train));
    const sample = await data.val?.read(3);
    expect(sample && labelOf(sample)).toBe((indicesOf(data.val)[3] ?? 0) % 10);
  });

  it('may be limited to its first samples', async () => {
    const folder = temporaryFolder({ 'x.bin': cifar(turns(40, 10)) });
    const data = await open({ format: 'cifar-binary', path: 'x.bin', limit: 20 }, folder);
    expect(sizes(data)).toEqual([16, 2, 2]);
    expect([data.train, data.val, data.test].flatMap(indicesOf).every((index) => (index ?? 99) < 20)).toBe(true);
  });

  it('without a split gives a tenth to validation and to the test each', async () => {
    const data = await open({ format: 'synthetic', samples: 200, classes: 4, size: 8 });
    expect([sizes(data), data.classNames, data.target]).toEqual([
      [160, 20, 20],
      ['circle', 'square', 'triangle', 'cross'],
      'class',
    ]);
    const masks = await open({ format: 'synthetic', samples: 20, classes: 3, size: 8 }, '.', { target: 'mask' });
    expect([masks.target, (await masks.train?.read(0))?.target.kind, masks.classNames?.[0]]).toEqual([
      'mask',
      'mask',
      'background',
    ]);
  });

  it.each<[string, Spec, string]>([
    [
      'too many samples',
      { format: 'cifar-binary', path: 'x.bin', split: { train: 31, seed: 0 } },
      'E0719: the split (train = 31) needs 31 samples, but',
    ],
    [
      'an empty part',
      { format: 'cifar-binary', path: 'x.bin', split: { val: 30, seed: 0 } },
      'leaves no samples for training (val = 30)',
    ],
    ['no path', { format: 'cifar-binary' }, 'E0714: the dataset data has no path'],
    [
      'no patterns',
      { format: 'image-mask-folder', images: 'x' },
      'E0714: the dataset data needs patterns for images and masks',
    ],
    ['a missing file', { format: 'cifar-binary', path: 'none.bin' }, 'E0710: cannot read'],
    ['a label that is out of range', { format: 'cifar-binary', path: 'x.bin', classes: 9 }, 'E0714: record 9 of'],
    [
      'other names than classes',
      { format: 'cifar-binary', path: 'x.bin', classes: 4, labels: 'names.txt' },
      'E0714: the data has a, b, c, d, e, ... (10 in all); `classes` is 4',
    ],
    [
      'more synthetic classes than shapes',
      { format: 'synthetic', classes: 11 },
      'E0714: synthetic data has 2 to 10 classes, not 11',
    ],
    ['tiny synthetic pictures', { format: 'synthetic', size: 4 }, 'E0714: synthetic pictures have 8 to 1024 pixels'],
    ['no synthetic samples', { format: 'synthetic', samples: 0 }, 'E0714: synthetic data has 1 to 1000000 samples'],
  ])('refuses %s', async (_, spec, message) => {
    const names = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n';
    const folder = temporaryFolder({
      'x.bin': cifar(turns(30, 10)),
      'few.bin': cifar(turns(30, 7)),
      'names.txt': names,
    });
    expect(await faultOfOpening(spec, folder)).toContain(message);
  });
});

it('says which classes have no sample', async () => {
  const names = 'a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n';
  const folder = temporaryFolder({ 'few.bin': cifar(turns(30, 7)), 'names.txt': names });
  const numbered = await open({ format: 'cifar-binary', path: 'few.bin', classes: 10 }, folder);
  expect([numbered.classes, numbered.notes]).toEqual([
    10,
    [`${join(folder, 'few.bin')} has no sample of 3 classes 7, 8, 9`],
  ]);
  const named = await open({ format: 'cifar-binary', path: 'few.bin', labels: 'names.txt' }, folder);
  expect(named.notes).toEqual([`${join(folder, 'few.bin')} has no sample of 3 classes h, i, j`]);
});

describe('data with parts of its own', () => {
  it('of CIFAR is the test batch', async () => {
    const folder = temporaryFolder({
      'data_batch_1.bin': cifar(turns(20, 10)),
      'data_batch_2.bin': cifar(turns(20, 10)),
      'test_batch.bin': cifar(turns(10, 10)),
    });
    const spec = { format: 'cifar-binary', path: folder } as const;
    expect(sizes(await open(spec))).toEqual([36, 4, 10]);
    expect(sizes(await open({ ...spec, split: { train: 30, val: 5, test: 7, seed: 0 } }))).toEqual([30, 5, 7]);
    expect(sizes(await open({ ...spec, path: join(folder, 'data_batch_1.bin') }))).toEqual([18, 2, 10]);
    expect(sizes(await open({ ...spec, path: join(folder, 'test_batch.bin') }))).toEqual([8, 1, 1]);
    const fault = await faultOfOpening({ ...spec, split: { test: 11, seed: 0 } });
    expect(fault).toMatch(/^E0719: the split asks for 11 samples of the test split of .*, which has 10$/);
  });

  it('of IDX are the t10k files, also of one that is named', async () => {
    const folder = temporaryFolder({
      'train-images-idx3-ubyte': idx(2051, [20, 1, 1], turns(20, 20)),
      'train-labels-idx1-ubyte': idx(2049, [20], turns(20, 2)),
      't10k-images-idx3-ubyte': idx(2051, [4, 1, 1], turns(4, 4)),
      't10k-labels-idx1-ubyte': idx(2049, [4], turns(4, 2)),
    });
    for (const path of [folder, join(folder, 'train-images-idx3-ubyte')]) {
      const data = await open({ format: 'idx', path });
      expect([sizes(data), data.classes, data.channels]).toEqual([[18, 2, 4], 2, 1]);
    }
    expect(sizes(await open({ format: 'idx', path: join(folder, 't10k-images-idx3-ubyte') }))).toEqual([2, 1, 1]);
  });

  it('of pictures are folders beside train', async () => {
    const part = (name: string, count: number) =>
      Object.fromEntries(
        ['cat', 'dog'].flatMap((each) =>
          Array.from({ length: count }, (_, at) => [`${name}/${each}/${at}.png`, onePixel(at)] as const),
        ),
      );
    const folder = temporaryFolder({ ...part('train', 6), ...part('val', 1), ...part('test', 2) });
    const data = await open({ format: 'image-folder', path: folder });
    expect([sizes(data), data.classNames]).toEqual([
      [12, 2, 4],
      ['cat', 'dog'],
    ]);
    // A class may be called train.
    const vehicles = temporaryFolder({
      'train/1.png': onePixel(0),
      'bus/1.png': onePixel(0),
      'bus/2.png': onePixel(0),
    });
    expect((await open({ format: 'image-folder', path: vehicles })).classNames).toEqual(['bus', 'train']);
  });

  it('of pictures with masks are folders beside those of the training', async () => {
    const mask = greyPng({ width: 1, height: 1, values: [1] });
    const part = (images: string, masks: string, count: number) =>
      Object.fromEntries(
        Array.from({ length: count }, (_, at) => [
          [`${images}/${at}.png`, onePixel(at)] as const,
          [`${masks}/${at}.png`, mask] as const,
        ]).flat(),
      );
    const masked = { format: 'image-mask-folder', classes: 2 } as const;
    const files = { ...part('train', 'train-masks', 6), ...part('valid', 'valid-masks', 2) };
    // Pictures for a test whose masks nobody has given away are no part.
    const folder = temporaryFolder({ ...files, 'test/0.png': onePixel(0) });
    const beside = { ...masked, images: 'train/*.png', masks: 'train-masks/*.png', split: { seed: 1 } };
    expect(sizes(await open(beside, folder))).toEqual([5, 2, 1]);
    const inner = temporaryFolder({ ...part('train/x', 'train/y', 5), ...part('test/x', 'test/y', 3) });
    const nested = { ...masked, images: 'train/x/*.png', masks: 'train/y/*.png', split: { val: 2, seed: 1 } };
    expect(sizes(await open(nested, inner))).toEqual([3, 2, 3]);
    const together = temporaryFolder(part('x', 'y', 10));
    const plain = { ...masked, images: 'x/*.png', masks: 'y/*.png', split: { seed: 1 } };
    expect(sizes(await open(plain, together))).toEqual([8, 1, 1]);
  });

  it('of npz are arrays by part', async () => {
    const path = join(import.meta.dirname, '../golden/parts.npz');
    const data = await open({ format: 'npz', path });
    expect([sizes(data), data.channels, data.classes]).toEqual([[6, 2, 3], 1, 2]);
    expect((await data.test?.read(0))?.input).toMatchObject({ image: { data: new Uint8Array(16).fill(2) } });
  });
});

describe('labels', () => {
  it('name classes, or say which class a picture has', async () => {
    const pictures = { 'p/a.png': onePixel(1), 'p/b.png': onePixel(2), 'p/c.png': onePixel(3) };
    const list = temporaryFolder({ ...pictures, 'labels.txt': '# all\na.png 1\nb.png 0\nc.png 1\n' });
    const listed = await open({ format: 'image-folder', path: 'p', labels: 'labels.txt' }, list);
    expect([sizes(listed), listed.classes, listed.classNames]).toEqual([[1, 1, 1], 2, undefined]);
  });

  it('name the folders of pictures, which count in their own order', async () => {
    const folder = temporaryFolder({
      'p/x/1.png': onePixel(1),
      'p/y/1.png': onePixel(1),
      'p/y/2.png': onePixel(1),
      'same.txt': 'y\nx',
      'more.txt': 'z\nw\ny\nx',
      'other.txt': 'eggs\nham',
    });
    const named = (labels: string) => ({ format: 'image-folder', path: 'p', labels }) as const;
    const same = await open(named('same.txt'), folder);
    expect([same.classNames, await labelsOf(same.train)]).toEqual([['x', 'y'], [1]]);
    expect((await open(named('more.txt'), folder)).classNames).toEqual(['w', 'x', 'y', 'z']);
    expect(await faultOfOpening(named('other.txt'), folder)).toMatch(
      /^E0714: only .*p has the classes x, y; only .*other\.txt has eggs, ham$/,
    );
  });

  it('may be a file of their own for npy', async () => {
    const folder = temporaryFolder({
      'x.npy': encodeNpy(fromFloat32(Float32Array.of(1, 2, 3, 4), [4, 1, 1, 1])),
      'y.npy': encodeNpy(fromFloat32(Float32Array.of(0, 1, 2, 1), [4])),
    });
    const data = await open({ format: 'npy', path: 'x.npy', labels: 'y.npy' }, folder);
    expect([data.classes, data.train?.kind]).toEqual([3, 'tensor']);
  });
});

it('opens real CIFAR-10 and Fashion-MNIST', async () => {
  const [cifar10, fashion] = [realData('cifar10'), realData('fashion-mnist')];
  if (!cifar10 || !fashion) return;
  const data = await open({ format: 'cifar-binary', path: cifar10, split: { train: 9000, val: 1000, seed: 1 } });
  expect([sizes(data), data.classNames?.[3]]).toEqual([[9000, 1000, 10_000], 'cat']);
  const [index = 0] = indicesOf(data.train);
  const bytes = readFileSync(join(cifar10, 'data_batch_1.bin'));
  const sample = await data.train?.read(0);
  expect(sample && labelOf(sample)).toBe(bytes[index * 3073]);
  const clothes = await open({ format: 'idx', path: join(fashion, 'train-images-idx3-ubyte.gz'), classes: 10 });
  expect(sizes(clothes)).toEqual([54_000, 6000, 10_000]);
});
