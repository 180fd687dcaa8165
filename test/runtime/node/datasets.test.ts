import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeNpy } from '../../../runtime/files/npy.ts';
import { fromFloat32 } from '../../../runtime/files/stored-tensor.ts';
import type { Dataset, DatasetFormat, DatasetOptions } from '../../../runtime/node/datasets/dataset.ts';
import { openDataset, parseDataArgument } from '../../../runtime/node/datasets/open-dataset.ts';
import { labelOf } from '../../../runtime/train/sample.ts';
import type { Sample } from '../../../runtime/train/sample.ts';
import { faultOf, faultOfAsync } from '../fault.ts';
import { realData } from '../real-data.ts';
import { flatPng } from './png.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Opens a dataset and closes it when the test ends. */
async function open(format: DatasetFormat, path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const dataset = await openDataset(format, path, options);
  onTestFinished(() => dataset.close());
  return dataset;
}

const imageOf = ({ input }: Sample) => (input.kind === 'image' ? input.image : undefined);

function record(label: number, value: number): Uint8Array {
  const bytes = new Uint8Array(3073).fill(value);
  bytes[0] = label;
  // Red, green and blue of the pixel in row 1, column 2.
  for (const plane of [0, 1, 2]) bytes[1 + plane * 1024 + 34] = 100 + plane;
  return bytes;
}

const records = (...all: Uint8Array[]) => Buffer.concat(all);

describe('parseDataArgument', () => {
  it('splits at the first colon', () => {
    expect(parseDataArgument('cifar-binary:C:\\data')).toEqual({ format: 'cifar-binary', path: 'C:\\data' });
  });

  it.each(['', 'cifar-binary', 'cifar-binary:', 'zip:x', ':x', 'toString:x'])('refuses %j', (text) => {
    expect(faultOf(() => parseDataArgument(text))).toMatch(/^E0714: .*does not name a dataset/);
  });
});

describe('cifar-binary', () => {
  it('reads a file', async () => {
    const folder = temporaryFolder({ 'a.bin': records(record(3, 7), record(9, 8)), 'labels.txt': 'x\n'.repeat(10) });
    const dataset = await open('cifar-binary', join(folder, 'a.bin'));
    expect([dataset.size, dataset.shape, dataset.classNames?.length]).toEqual([2, [3, 32, 32], 10]);
    const sample = await dataset.read(1);
    expect([labelOf(sample), sample.name]).toEqual([9, `record 1 of ${join(folder, 'a.bin')}`]);
    expect([...(imageOf(sample)?.data.subarray(33 * 3, 35 * 3) ?? [])]).toEqual([8, 8, 8, 100, 101, 102]);
    await expect(dataset.read(2)).rejects.toThrow(RangeError);
    await expect(dataset.read(-1)).rejects.toThrow(RangeError);
    await expect(dataset.read(0.5)).rejects.toThrow(RangeError);
  });

  it('reads the parts of a folder, batches in order of number', async () => {
    const batches = Object.fromEntries([1, 2, 10].map((n) => [`data_batch_${n}.bin`, record(n % 10, n)]));
    const folder = temporaryFolder({ ...batches, 'test_batch.bin': records(record(5, 0)) });
    const train = await open('cifar-binary', folder, { part: 'train' });
    expect(await Promise.all([0, 1, 2].map(async (index) => labelOf(await train.read(index))))).toEqual([1, 2, 0]);
    const test = await open('cifar-binary', folder);
    expect([test.size, labelOf(await test.read(0))]).toEqual([1, 5]);
  });

  it('reads the real test batch', async () => {
    const path = realData('cifar10/test_batch.bin');
    if (!path) return;
    const dataset = await open('cifar-binary', path);
    expect([dataset.size, dataset.classNames?.[3]]).toEqual([10_000, 'cat']);
    const counts = Array<number>(10).fill(0);
    const bytes = readFileSync(path);
    for (let index = 0; index < 10_000; index++)
      counts[bytes[index * 3073] ?? 0] = (counts[bytes[index * 3073] ?? 0] ?? 0) + 1;
    expect(counts).toEqual(Array(10).fill(1000));
    const sample = await dataset.read(9999);
    const { input } = sample;
    expect(labelOf(sample)).toBe(bytes[9999 * 3073]);
    expect(input.kind === 'image' && input.image.data[1]).toBe(bytes[9999 * 3073 + 1 + 1024]);
  });
});

function idx(magic: number, dims: readonly number[], data: ArrayLike<number>): Buffer {
  const file = Buffer.alloc(4 + dims.length * 4 + data.length);
  [magic, ...dims].forEach((value, at) => file.writeUInt32BE(value, at * 4));
  file.set(data, 4 + dims.length * 4);
  return file;
}

describe('idx', () => {
  const images = idx(2051, [2, 1, 3], [1, 2, 3, 4, 5, 6]);
  const labels = idx(2049, [2], [7, 0]);

  it.each([
    ['t10k-images-idx3-ubyte', images, 't10k-labels-idx1-ubyte', labels],
    ['t10k-images.idx3-ubyte.gz', gzipSync(images), 't10k-labels.idx1-ubyte.gz', gzipSync(labels)],
    ['t10k-images-idx3-ubyte', gzipSync(images), 't10k-labels-idx1-ubyte.gz', gzipSync(labels)],
  ])('reads %s', async (name, imageBytes, labelName, labelBytes) => {
    const folder = temporaryFolder({ [name]: imageBytes, [labelName]: labelBytes });
    for (const path of [join(folder, name), folder]) {
      const dataset = await open('idx', path);
      expect([dataset.size, dataset.shape]).toEqual([2, [1, 1, 3]]);
      const sample = await dataset.read(1);
      expect([labelOf(sample), [...(imageOf(sample)?.data ?? [])], imageOf(sample)?.channels]).toEqual([
        0,
        [4, 5, 6],
        1,
      ]);
    }
  });

  it('reads real Fashion-MNIST', async () => {
    const folder = realData('fashion-mnist');
    if (!folder) return;
    const dataset = await open('idx', folder, { classes: 10 });
    expect([dataset.size, dataset.shape]).toEqual([10_000, [1, 28, 28]]);
    const raw = gunzipSync(readFileSync(join(folder, 't10k-images-idx3-ubyte.gz')));
    const sample = await dataset.read(1234);
    expect(
      Buffer.compare(imageOf(sample)?.data ?? Buffer.alloc(0), raw.subarray(16 + 1234 * 784, 16 + 1235 * 784)),
    ).toBe(0);
    expect((await open('idx', folder, { part: 'train' })).size).toBe(60_000);
  });
});

const onePixel = (value: number): Buffer => flatPng(1, 1, [value, value, value]);

describe('image-folder', () => {
  const pictures = { 'p/a.png': onePixel(1), 'p/b c.png': onePixel(2), 'p/d.png': onePixel(3) };

  it('reads the lines of a file of labels in order', async () => {
    const folder = temporaryFolder({ ...pictures, 'labels.txt': '# files\n\nb c.png 4\na.png\t0\r\n' });
    const dataset = await open('image-folder', join(folder, 'p'), { labels: join(folder, 'labels.txt') });
    expect([dataset.size, dataset.shape]).toEqual([2, undefined]);
    const sample = await dataset.read(0);
    expect([labelOf(sample), sample.name, imageOf(sample)?.data[0]]).toEqual([4, join(folder, 'p/b c.png'), 2]);
  });

  it('takes subfolders for classes in order of name', async () => {
    const folder = temporaryFolder({
      'z/1.png': onePixel(1),
      'a/2.PNG': onePixel(2),
      'a/1.png': onePixel(3),
      'a/notes.txt': '',
      '.x/1.png': '',
    });
    const dataset = await open('image-folder', folder);
    expect([dataset.size, dataset.classNames]).toEqual([3, ['a', 'z']]);
    const samples = await Promise.all([0, 1, 2].map((index) => dataset.read(index)));
    expect(samples.map((sample) => [labelOf(sample), imageOf(sample)?.data[0]])).toEqual([
      [0, 3],
      [0, 2],
      [1, 1],
    ]);
  });

  it('refuses a file of labels without a line, and one of a folder that is not there', async () => {
    const folder = temporaryFolder({ ...pictures, 'none.txt': '\n\n', 'l.txt': 'a.png 1' });
    const opened = (path: string, labels: string) => () =>
      open('image-folder', join(folder, path), { labels: join(folder, labels) });
    expect(await faultOfAsync(opened('p', 'none.txt'))).toMatch(/^E0714: .*none\.txt names no picture$/);
    expect(await faultOfAsync(opened('q', 'l.txt'))).toMatch(/^E0710: cannot read .*q: there is no such file/);
  });

  it('reads the real photographs', async () => {
    const folder = realData('photos');
    if (!folder) return;
    const options = { labels: join(folder, 'labels.txt'), classNames: join(folder, 'classes.txt') };
    const dataset = await open('image-folder', join(folder, '224'), options);
    expect([dataset.size, dataset.classNames?.length]).toEqual([200, 1000]);
    for (let index = 0; index < 16; index++) {
      const sample = await dataset.read(index);
      expect([labelOf(sample), imageOf(sample)?.width]).toEqual([index * 5, 224]);
    }
  });
});

describe('npy', () => {
  const values = Float32Array.from({ length: 24 }, (_, at) => at / 8);
  const images = encodeNpy(fromFloat32(values, [2, 3, 2, 2]));
  const labels = encodeNpy({ dtype: 'I64', shape: [2], bytes: new Uint8Array(BigInt64Array.of(5n, 1n).buffer) });

  it.each(['x-labels.npy', 'labels.npy'])('reads float tensors and labels from %s', async (name) => {
    const dataset = await open('npy', join(temporaryFolder({ 'x.npy': images, [name]: labels }), 'x.npy'));
    expect([dataset.size, dataset.shape]).toEqual([2, [3, 2, 2]]);
    const sample = await dataset.read(1);
    const { input } = sample;
    expect([labelOf(sample), input.kind === 'tensor' && [...input.values]]).toEqual([1, [...values.subarray(12)]]);
  });

  it('reads bytes as pictures', async () => {
    const bytes = Uint8Array.from({ length: 12 }, (_, at) => at);
    const folder = temporaryFolder({
      'images.npy': encodeNpy({ dtype: 'U8', shape: [1, 3, 2, 2], bytes }),
      'labels.npy': encodeNpy({ dtype: 'U8', shape: [1], bytes: Uint8Array.of(9) }),
    });
    const sample = await (await open('npy', join(folder, 'images.npy'))).read(0);
    expect([...(imageOf(sample)?.data ?? [])]).toEqual([0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11]);
  });
});
