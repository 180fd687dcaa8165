import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeNpy } from '../../../runtime/npy.ts';
import { fromFloat32 } from '../../../runtime/stored-tensor.ts';
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

  it('names what is wrong', async () => {
    const folder = temporaryFolder({
      'cut.bin': records(record(0, 0), record(1, 1)).subarray(0, 5000),
      'bad.bin': record(10, 0),
      'empty.bin': '',
    });
    const fault = (name: string, options?: DatasetOptions) =>
      faultOfAsync(() => open('cifar-binary', join(folder, name), options));
    expect(await fault('cut.bin')).toMatch(
      /^E0714: .*cut\.bin has 1 records of 3073 bytes and 1927 bytes of record 1$/,
    );
    expect(await fault('empty.bin')).toMatch(/^E0714/);
    expect(await fault('none.bin')).toMatch(/^E0710: cannot read .*none\.bin: there is no such file/);
    expect(await fault('.')).toMatch(/^E0710: .*test_batch\.bin/);
    expect(await fault('.', { part: 'train' })).toMatch(/^E0714: .*no data_batch/);
    const bad = await open('cifar-binary', join(folder, 'bad.bin'));
    expect(await faultOfAsync(() => bad.read(0))).toMatch(
      /^E0714: record 0 of .*bad\.bin has the label 10, but classes are 0 to 9$/,
    );
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

  const good = { 'x-images-idx3-ubyte': images, 'x-labels-idx1-ubyte': labels };
  it.each<[string, Record<string, Buffer>, string]>([
    ['missing labels', { 'x-images-idx3-ubyte': images }, 'E0714: there are no labels beside'],
    ['images for labels', { ...good, 'x-labels-idx1-ubyte': images }, 'its magic number is 2051, not 2049'],
    ['labels for images', { ...good, 'x-images-idx3-ubyte': labels }, 'E0714'],
    ['a cut header', { ...good, 'x-images-idx3-ubyte': images.subarray(0, 15) }, 'ends inside of its header'],
    [
      'cut pictures',
      { ...good, 'x-images-idx3-ubyte': images.subarray(0, 20) },
      'has 1 and a part of the 2 pictures of 3x1',
    ],
    [
      'pictures to spare',
      { ...good, 'x-images-idx3-ubyte': Buffer.concat([images, Buffer.alloc(3)]) },
      'has 3 of the 2',
    ],
    ['other counts', { ...good, 'x-labels-idx1-ubyte': idx(2049, [1], [0]) }, 'has 2 pictures, but'],
    ['cut labels', { ...good, 'x-labels-idx1-ubyte': labels.subarray(0, 9) }, 'has 1 labels, but its header says 2'],
    ['no pixels', { ...good, 'x-images-idx3-ubyte': idx(2051, [2, 0, 3], []) }, 'says that its pictures are 3x0'],
    ['a huge picture', { ...good, 'x-images-idx3-ubyte': idx(2051, [2, 2 ** 31, 2 ** 31], []) }, 'E0714'],
    ['broken gzip', { ...good, 'x-images-idx3-ubyte': gzipSync(images).subarray(0, 20) }, 'E0714: cannot unpack'],
    ['an empty file', { ...good, 'x-images-idx3-ubyte': Buffer.alloc(0) }, 'ends inside of its header'],
  ])('refuses %s', async (_, files, message) => {
    const folder = temporaryFolder(files);
    expect(await faultOfAsync(() => open('idx', join(folder, 'x-images-idx3-ubyte')))).toContain(message);
  });

  it('refuses a label beyond the classes', async () => {
    const dataset = await open('idx', join(temporaryFolder(good), 'x-images-idx3-ubyte'), { classes: 5 });
    expect(await faultOfAsync(() => dataset.read(0))).toMatch(
      /^E0714: record 0 of .* has the label 7, but classes are 0 to 4/,
    );
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

  it.each<[string, string, DatasetOptions, string]>([
    ['a line without a class', 'a.png', {}, 'line 1 of'],
    ['a class that is no number', 'a.png cat', {}, 'line 1 of'],
    ['a fractional class', 'a.png 1.5', {}, 'line 1 of'],
    ['a negative class', 'a.png -1', {}, 'has the label -1'],
    ['a class beyond the classes', 'a.png 1\nd.png 2', { classes: 2 }, 'has the label 2, but classes are 0 to 1'],
    ['a missing file', 'x.png 1', {}, 'names x.png, which is not in'],
    ['a file twice', 'a.png 1\n./a.png 2', {}, 'for the second time'],
    ['a way out', '../labels.txt 1', {}, 'outside of the folder'],
    ['an absolute path', '/etc/passwd 1', {}, 'outside of the folder'],
    ['no lines', '\n\n', {}, 'names no picture'],
  ])('refuses %s', async (_, lines, options, message) => {
    const folder = temporaryFolder({ ...pictures, 'labels.txt': lines });
    const opened = () => open('image-folder', join(folder, 'p'), { labels: join(folder, 'labels.txt'), ...options });
    const fault = await faultOfAsync(opened);
    expect(fault).toMatch(/^E0714: /);
    expect(fault).toContain(message);
  });

  it('refuses folders without classes and classes without pictures', async () => {
    expect(await faultOfAsync(() => open('image-folder', join(temporaryFolder(pictures), 'p')))).toContain(
      'no class folders',
    );
    expect(await faultOfAsync(() => open('image-folder', temporaryFolder({ 'a/notes.txt': '' })))).toContain(
      'has no class folders with .jpg, .png, .webp, .avif, .gif or .tif pictures',
    );
    expect(await faultOfAsync(() => open('image-folder', '/nonexistent'))).toMatch(/^E0710/);
    const labels = join(temporaryFolder({ 'l.txt': 'a.png 1' }), 'l.txt');
    expect(await faultOfAsync(() => open('image-folder', '/nonexistent', { labels }))).toMatch(/^E0710/);
  });

  it('names the broken picture', async () => {
    const dataset = await open('image-folder', temporaryFolder({ 'a/x.png': 'no picture' }));
    expect(await faultOfAsync(() => dataset.read(0))).toMatch(/^E0713: cannot decode .*a\/x\.png: it is a text/);
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

  it('reads Fortran order', async () => {
    const text = Buffer.from(images)
      .toString('latin1')
      .replace("False, 'shape': (2, 3, 2, 2)", "True , 'shape': (2, 2, 3, 2)");
    const folder = temporaryFolder({ 'x.npy': Buffer.from(text, 'latin1'), 'labels.npy': labels });
    const dataset = await open('npy', join(folder, 'x.npy'));
    const { input } = await dataset.read(1);
    // Element [1, c, h, w] lies at 1 + 2 * (c + 2 * (h + 3 * w)).
    expect(input.kind === 'tensor' && [...input.values.subarray(0, 4)].map((value) => value * 8)).toEqual([
      1, 13, 5, 17,
    ]);
  });

  it.each<[string, Record<string, Uint8Array>, string]>([
    ['no labels', { 'x.npy': images }, 'E0714: there is no labels.npy beside'],
    ['three axes', { 'x.npy': encodeNpy(fromFloat32(values, [2, 3, 4])), 'labels.npy': labels }, 'E0714: '],
    [
      'labels with two axes',
      { 'x.npy': images, 'labels.npy': encodeNpy(fromFloat32(values, [2, 12])) },
      'E0714: the labels in',
    ],
    ['other counts', { 'x.npy': images, 'labels.npy': encodeNpy(fromFloat32(values, [24])) }, '2 samples, but'],
    ['a cut file', { 'x.npy': images.subarray(0, 200), 'labels.npy': labels }, 'needs 96 bytes of data, but has 72'],
    [
      'a broken header',
      { 'x.npy': images.subarray(0, 50), 'labels.npy': labels },
      'x.npy: the file ends inside of its header',
    ],
    ['broken labels', { 'x.npy': images, 'labels.npy': Uint8Array.of(1) }, 'labels.npy: the file does not begin'],
  ])('refuses %s', async (_, files, message) => {
    const folder = temporaryFolder(files);
    expect(await faultOfAsync(() => open('npy', join(folder, 'x.npy')))).toContain(message);
  });

  it('refuses labels that are no class', async () => {
    const odd = encodeNpy(fromFloat32(Float32Array.of(0.5, -1), [2]));
    const dataset = await open('npy', join(temporaryFolder({ 'x.npy': images, 'labels.npy': odd }), 'x.npy'));
    expect(await faultOfAsync(() => dataset.read(0))).toMatch(/^E0714: sample 0 of .* has the label 0\.5/);
    expect(await faultOfAsync(() => dataset.read(1))).toMatch(/^E0714: sample 1 of .* has the label -1/);
    await expect(dataset.read(0)).rejects.toMatchObject({ help: 'labels are the numbers of classes, which are whole' });
    await expect(dataset.read(1)).rejects.toMatchObject({ help: expect.stringContaining('from 0, and leave out') });
  });

  it('say what to save in place of rows with a 1 at the class', async () => {
    const rows = encodeNpy(fromFloat32(Float32Array.of(1, 0, 0, 1), [2, 2]));
    const folder = temporaryFolder({ 'x.npy': images, 'labels.npy': rows });
    const help = expect.stringContaining('labels.argmax(axis=1)');
    await expect(open('npy', join(folder, 'x.npy'))).rejects.toMatchObject({ code: 'E0714', help });
  });
});
