/** CIFAR-10's binary format: records of one label byte and 3072 bytes of a 32x32 picture, plane after plane. */
import { dirname, join } from 'node:path';
import { archiveHelp, openFile, pathKind } from '../file-access.ts';
import type { RandomAccessFile } from '../file-access.ts';
import type { Image8 } from '../../pictures/image.ts';
import { badData, checkIndex, checkLabel, readClassNames } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';
import { listFolder } from './list-folder.ts';
import { besides, located } from './located.ts';
import type { Located, Opened } from './located.ts';

const side = 32;
const pixels = side * side;
const recordBytes = 1 + 3 * pixels;
const standardClasses = 10;

/**
 * Finds one file, or a folder's `test_batch.bin` or `data_batch_*.bin` by `options.part`, in order of number, and the
 * names of the classes: `batches.meta.txt` or `labels.txt` beside them. Throws E0710 where there is no such file; opening
 * throws E0714 for a size that is no multiple of 3073 bytes.
 */
export async function locateCifarBinary(path: string, options: DatasetOptions = {}): Promise<Located> {
  const isFolder = (await pathKind(path)) === 'folder';
  const paths = isFolder ? await batchFiles(path, options.part ?? 'test') : [path];
  const names = options.classNames ?? (await standardNames(isFolder ? path : dirname(path)));
  const files = [...paths, ...(typeof names === 'string' ? [names] : [])];
  const leftOut = isFolder ? await besides(path, files, /^(data_batch_\d+|test_batch)\.bin$/) : [];
  return located(files, leftOut, () => openBatches(paths, { ...options, classNames: names }));
}

async function openBatches(paths: readonly string[], options: DatasetOptions): Promise<Opened> {
  const classNames = await readClassNames(options.classNames);
  const classes = options.classes ?? classNames?.length ?? standardClasses;
  const range = { classes, ignore: options.ignore };
  const files = await openAll(paths);
  let labels: Promise<Uint8Array> | undefined;
  const size = files.reduce((sum, file) => sum + file.bytes / recordBytes, 0);
  return {
    format: 'cifar-binary',
    target: 'class',
    kind: 'image',
    size,
    classNames,
    shape: [3, side, side],
    labels: () => (labels ??= readLabels(files, size, range)),
    async read(index) {
      checkIndex(index, size);
      const { file, record } = locate(files, index);
      const name = `record ${record} of ${file.path}`;
      const bytes = await file.read(record * recordBytes, recordBytes);
      const label = bytes[0] ?? 0;
      checkLabel(label, range, name);
      const image = interleave(bytes.subarray(1));
      return { input: { kind: 'image', image }, target: { kind: 'class', label }, name };
    },
    async close() {
      for (const file of files) await file.close();
    },
  };
}

async function batchFiles(folder: string, part: 'train' | 'val' | 'test'): Promise<readonly string[]> {
  if (part === 'test') return [join(folder, 'test_batch.bin')];
  const names = (await listFolder(folder)).map(({ name }) => name);
  const batches = names.filter((name) => /^data_batch_\d+\.bin$/.test(name));
  if (batches.length === 0) {
    const isPickled = names.some((name) => /^data_batch_\d+$/.test(name));
    const help = isPickled ? 'its files are those of the Python version: take the binary version' : undefined;
    throw badData(`${folder} holds no data_batch_*.bin`, help);
  }
  const numberOf = (name: string) => Number.parseInt(name.slice('data_batch_'.length), 10);
  return batches.sort((a, b) => numberOf(a) - numberOf(b)).map((name) => join(folder, name));
}

/** The archive's own list, or `labels.txt`. */
async function standardNames(folder: string): Promise<string | undefined> {
  for (const name of ['batches.meta.txt', 'labels.txt']) {
    if ((await pathKind(join(folder, name))) === 'file') return join(folder, name);
  }
  return undefined;
}

async function openAll(paths: readonly string[]): Promise<readonly RandomAccessFile[]> {
  const files: RandomAccessFile[] = [];
  try {
    for (const path of paths) {
      const file = await openFile(path);
      files.push(file);
      if (file.bytes === 0 || file.bytes % recordBytes !== 0) {
        const whole = Math.floor(file.bytes / recordBytes);
        const rest = file.bytes % recordBytes;
        const message = `${path} has ${whole} records of ${recordBytes} bytes and ${rest} bytes of record ${whole}`;
        const isHundred = file.bytes > 0 && file.bytes % (recordBytes + 1) === 0;
        const hundred = isHundred ? 'it may be CIFAR-100, whose records have two labels; save it as npz' : undefined;
        throw badData(message, archiveHelp(path) ?? hundred);
      }
    }
    return files;
  } catch (error) {
    for (const file of files) await file.close();
    throw error;
  }
}

/** Reads the files through, some records at a time. */
async function readLabels(
  files: readonly RandomAccessFile[],
  size: number,
  range: Pick<DatasetOptions, 'classes' | 'ignore'>,
): Promise<Uint8Array> {
  const labels = new Uint8Array(size);
  const chunk = 1000;
  let at = 0;
  for (const file of files) {
    const records = file.bytes / recordBytes;
    for (let from = 0; from < records; from += chunk) {
      const count = Math.min(chunk, records - from);
      const bytes = await file.read(from * recordBytes, count * recordBytes);
      for (let record = 0; record < count; record++) {
        const label = bytes[record * recordBytes] ?? 0;
        checkLabel(label, range, `record ${from + record} of ${file.path}`);
        labels[at++] = label;
      }
    }
  }
  return labels;
}

function locate(files: readonly RandomAccessFile[], index: number) {
  let record = index;
  for (const file of files) {
    const count = file.bytes / recordBytes;
    if (record < count) return { file, record };
    record -= count;
  }
  throw new RangeError(`no record ${index}`);
}

function interleave(planes: Uint8Array): Image8 {
  const data = new Uint8Array(3 * pixels);
  planes.forEach((value, at) => (data[(at % pixels) * 3 + Math.floor(at / pixels)] = value));
  return { width: side, height: side, channels: 3, data };
}
