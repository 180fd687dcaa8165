import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { encodeNpy } from '../../../runtime/files/npy.ts';
import { openDataset } from '../../../runtime/node/datasets/open-dataset.ts';
import { planNpz } from '../../../runtime/node/datasets/npz.ts';
import type { DatasetOptions } from '../../../runtime/node/datasets/dataset.ts';
import { inMemoryFile } from '../../../runtime/node/file-access.ts';
import { readNpzDirectory, readNpzEntry } from '../../../runtime/node/npz.ts';
import { fromFloat32 } from '../../../runtime/files/stored-tensor.ts';
import { labelOf } from '../../../runtime/train/sample.ts';
import { faultOfAsync } from '../fault.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { zip } from './zip.ts';
import type { ZipEntry } from './zip.ts';

const golden = (name: string) => join(import.meta.dirname, '../golden', name);

async function open(path: string, options: DatasetOptions = {}) {
  const dataset = await openDataset('npz', path, options);
  onTestFinished(() => dataset.close());
  return dataset;
}

describe("NumPy's archives", () => {
  it('are read with the channels last', async () => {
    const dataset = await open(golden('stored.npz'));
    expect([dataset.size, dataset.kind, dataset.target, dataset.shape]).toEqual([4, 'image', 'class', [3, 5, 6]]);
    const sample = await dataset.read(1);
    const image = sample.input.kind === 'image' ? sample.input.image : undefined;
    // As record-npz.py prints.
    expect([...(image?.data.subarray((2 * 6 + 3) * 3, (2 * 6 + 4) * 3) ?? [])]).toEqual([220, 46, 121]);
    expect(labelOf(sample)).toBe(0);
    expect(Array.from((await dataset.labels?.()) ?? [])).toEqual([2, 0, 1, 2]);
  });

  it('may have parts', async () => {
    expect(Object.keys((await planNpz(golden('parts.npz'))).parts).toSorted()).toEqual(['test', 'train', 'val']);
    expect(await planNpz(golden('stored.npz'))).toMatchObject({
      parts: { train: { samples: 'images', targets: 'labels' } },
      leftOut: [],
    });
    expect((await open(golden('parts.npz'), { part: 'train' })).size).toBe(6);
    expect((await open(golden('parts.npz'))).size).toBe(3);
  });

  it('may have masks, and tensors of numbers', async () => {
    expect(await faultOfAsync(() => open(golden('masks.npz')))).toMatch(/masks and y: either could be meant$/);
    const x = {
      name: 'x.npy',
      bytes: floats(
        Array.from({ length: 24 }, (_, at) => at),
        [2, 3, 2, 2],
      ),
    };
    const y = { name: 'y.npy', bytes: floats([0, 1, 2, 0, 0, 0, 1, 1], [2, 2, 2]) };
    const path = join(temporaryFolder({ 'masks.npz': zip([x, y]) }), 'masks.npz');
    const dataset = await open(path, { classes: 3 });
    expect([dataset.target, dataset.kind, dataset.shape]).toEqual(['mask', 'tensor', [3, 2, 2]]);
    const { input, target } = await dataset.read(1);
    expect(input.kind === 'tensor' && input.values[0]).toBe(12);
    expect(target.kind === 'mask' && [...target.mask.data]).toEqual([0, 0, 1, 1]);
    const narrow = await open(path, { classes: 2 });
    expect(await faultOfAsync(() => narrow.read(0))).toMatch(
      /^E0714: pixel \(0, 1\) of the mask 0 in y of .*masks\.npz has the class 2, but classes are 0 to 1;/,
    );
  });
});

const floats = (values: readonly number[], shape: readonly number[]) =>
  encodeNpy(fromFloat32(Float32Array.from(values), shape));

describe('datasets in archives', () => {
  const samples = (count: number, name: string) => ({
    name: `${name}.npy`,
    bytes: floats(
      Array.from({ length: count }, (_, at) => at),
      [count, 1, 1, 1],
    ),
  });
  const classes = (count: number, name: string) => ({
    name: `${name}.npy`,
    bytes: floats(
      Array.from({ length: count }, (_, at) => at % 2),
      [count],
    ),
  });
  const pair = (count: number, first: string, second: string) => [samples(count, first), classes(count, second)];
  const written = (...entries: ZipEntry[]) => join(temporaryFolder({ 'x.npz': zip(entries) }), 'x.npz');

  it('may name their classes, as a file of names may not name them otherwise', async () => {
    // np.save(file, np.array(['dog', 'cat'])) of NumPy 2.4.
    const array =
      'k05VTVBZAQB2AHsnZGVzY3InOiAnPFUzJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIApkAAAAbwAAAGcAAABjAAAAYQAAAHQAAAA=';
    const path = written(...pair(4, 'images', 'labels'), {
      name: 'class_names.npy',
      bytes: new Uint8Array(Buffer.from(array, 'base64')),
    });
    const named = await open(path);
    expect([named.classNames, named.leftOut]).toEqual([['dog', 'cat'], []]);
    expect((await open(path, { classNames: ['cat', 'dog'] })).classNames).toEqual(['dog', 'cat']);
    const other = await faultOfAsync(async () => open(path, { classNames: ['Cat', 'dog'] }));
    expect(other).toMatch(/^E0714: only the list of classes has the class Cat; only .*x\.npz has cat$/);
  });

  it('give the mask or the class by what is needed', async () => {
    const pictures = { name: 'images.npy', bytes: floats([0, 1, 2, 3], [2, 1, 1, 2]) };
    const masks = { name: 'masks.npy', bytes: floats([0, 1, 1, 0], [2, 1, 2]) };
    const path = written(pictures, classes(2, 'labels'), masks);
    expect((await open(path, { target: 'mask' })).target).toBe('mask');
    const dataset = await open(path, { target: 'class' });
    expect([dataset.target, dataset.leftOut[0]?.names]).toEqual(['class', ['masks']]);
  });

  it('of a test part alone are for measuring', async () => {
    const path = written(...pair(2, 'x_test', 'y_test'));
    expect((await open(path)).size).toBe(2);
  });
});

describe('the reader of archives', () => {
  const data = Uint8Array.from({ length: 1000 }, (_, at) => (at * at) % 251);
  const one: ZipEntry = { name: 'a.npy', bytes: data };
  const directory = (file: Uint8Array) => readNpzDirectory(inMemoryFile('x.npz', file));
  const readAll = async (file: Uint8Array) => {
    const entries = await directory(file);
    for (const entry of entries.values()) await readNpzEntry(inMemoryFile('x.npz', file), entry);
    return entries;
  };

  it.each<[string, Buffer]>([
    ['stored', zip([one])],
    ['deflated', zip([{ ...one, method: 8 }])],
    ['Zip64', zip([{ ...one, wide: true }], { wide: true })],
    ['with a comment', Buffer.concat([withComment(zip([one]), 5), Buffer.from('hello')])],
  ])('reads entries that are %s', async (_, file) => {
    const entry = (await directory(file)).get('a');
    expect(entry && Buffer.from(await readNpzEntry(inMemoryFile('x.npz', file), entry)).equals(data)).toBe(true);
  });

  const bomb = new Uint8Array(1_000_000);
  const many = Array.from({ length: 10_001 }, (_, at) => ({ name: `${at}.npy`, bytes: new Uint8Array() }));
  it.each<[string, Buffer, string]>([
    ['an empty file', Buffer.alloc(0), 'no directory'],
    ['no archive', Buffer.from('PK but not really, and long enough for an end'), 'no directory'],
    ['a cut archive', zip([one]).subarray(0, -1), 'no directory'],
    ['a path', zip([{ ...one, name: '../a.npy' }]), 'no plain name'],
    ['a folder', zip([{ ...one, name: 'b/a.npy' }]), 'no plain name'],
    ['a hidden name', zip([{ ...one, name: '..npy' }]), 'no plain name'],
    ['another ending', zip([{ ...one, name: 'a.txt' }]), 'no plain name'],
    ['a name twice', zip([one, one]), 'the same name'],
    ['encryption', zip([{ ...one, flags: 1 }]), 'is encrypted'],
    ['another method', zip([{ ...one, method: 12 }]), 'has the method 12'],
    ['a wrong checksum', zip([{ ...one, crc: 1 }]), 'does not have its checksum'],
    ['a bomb', zip([{ name: 'a.npy', bytes: bomb, method: 8 }]), 'more than 200 times'],
    ['more than it says', zip([{ ...one, method: 8, said: { bytes: 999 } }]), 'cannot be unpacked'],
    ['less than it says', zip([{ ...one, method: 8, said: { bytes: 1001 } }]), 'has 1000 bytes, not 1001'],
    ['a stored entry of two sizes', zip([{ ...one, said: { bytes: 1001 } }]), 'unpacks from 1000 to 1001'],
    ['entries on one another', zip([one, { ...one, name: 'b.npy', said: { offset: 0 } }]), 'overlaps another'],
    ['an entry behind the end', zip([{ ...one, said: { offset: 5000 } }]), 'lies outside'],
    [
      'no local header',
      zip([one, { ...one, name: 'b.npy', said: { offset: 1036, compressed: 900, bytes: 900 } }]),
      'has no header of its own',
    ],
    ['too many entries', zip(many), 'it has 10001 entries'],
    ['fewer entries than it says', zip([one], { count: 2 }), 'entry 1 of its directory is broken'],
    ['too much in all', zip([0, 1].map((at) => huge(at))), 'more than 4294967296'],
  ])('refuses %s', async (_, file, message) => {
    const fault = await faultOfAsync(() => readAll(file));
    expect(fault).toMatch(/^E0718: x\.npz: /);
    expect(fault).toContain(message);
  });

  it('refuses any cut', async () => {
    const file = zip([one]);
    for (let length = 0; length < file.length; length += 13) {
      expect(await faultOfAsync(() => readAll(file.subarray(0, length)))).toMatch(/^E0718/);
    }
  });
});

/** Entries that claim to unpack to two GiB each, within the ratio: the claim alone is enough. */
function huge(at: number): ZipEntry {
  const bytes = new Uint8Array(11_000_000);
  return { name: `${at}.npy`, bytes, method: 8, packed: true, said: { bytes: 2 ** 31 + 1, compressed: bytes.length } };
}

function withComment(file: Buffer, length: number): Buffer {
  const changed = Buffer.from(file);
  changed.writeUInt16LE(length, changed.length - 2);
  return changed;
}
