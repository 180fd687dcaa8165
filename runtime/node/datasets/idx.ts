/** The IDX format of MNIST and its successors: a file of grey pictures and a file of labels, often gzipped. */
import { basename, dirname, join } from 'node:path';
import { gunzip } from 'node:zlib';
import { promisify } from 'node:util';
import { RuntimeFault } from '../../errors.ts';
import { inMemoryFile, openFile, pathKind, readBytes } from '../file-access.ts';
import type { RandomAccessFile } from '../file-access.ts';
import { badData, checkIndex, checkLabel, readClassNames } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';
import { besides, located } from './located.ts';
import type { Located, Opened } from './located.ts';

const inflate = promisify(gunzip);
/** MNIST unpacks to 47 MB; a gzipped file has to be held in memory as a whole. */
const unpackedLimit = 2 ** 30;
const maxSide = 65536;

/**
 * Finds a file of pictures (magic number 2051: unsigned bytes, `[count, height, width]`) and the labels beside it
 * (magic number 2049), whose name has `labels` and `idx1` for `images` and `idx3`. A folder stands for its `t10k-` or
 * `train-` files by `options.part`. Throws E0710 for a missing file; opening throws E0714 for wrong magic numbers, sizes
 * and counts.
 */
export async function locateIdx(path: string, options: DatasetOptions = {}): Promise<Located> {
  const isFolder = (await pathKind(path)) === 'folder';
  const imagesPath = isFolder ? await imagesIn(path, options.part ?? 'test') : path;
  const labelsPath = options.labels ?? (await labelsBeside(imagesPath));
  const names = typeof options.classNames === 'string' ? [options.classNames] : [];
  const files = [imagesPath, labelsPath, ...names];
  const leftOut = isFolder ? await besides(path, files, standardName) : [];
  return located(files, leftOut, () => openPictures(imagesPath, labelsPath, options));
}

/** The files of both parts; of a packed and an unpacked one with the same name, the unpacked one is read. */
const standardName = /^(train|t10k)-(images[-.]idx3|labels[-.]idx1)-ubyte(\.gz)?$/;

async function openPictures(imagesPath: string, labelsPath: string, options: DatasetOptions): Promise<Opened> {
  const classNames = await readClassNames(options.classNames);
  const labels = await readLabels(labelsPath);
  const images = await openMaybeGzipped(imagesPath);
  try {
    const [size, height, width] = await readImagesHeader(images);
    if (size !== labels.length) {
      throw badData(`${images.path} has ${size} pictures, but ${labelsPath} has ${labels.length} labels`);
    }
    const range = { classes: options.classes ?? classNames?.length, ignore: options.ignore };
    return { ...reader(images, labels, [height, width], range), classNames };
  } catch (error) {
    await images.close();
    throw error;
  }
}

function reader(
  images: RandomAccessFile,
  labels: Uint8Array,
  [height, width]: readonly [number, number],
  range: Pick<DatasetOptions, 'classes' | 'ignore'>,
): Omit<Opened, 'classNames'> {
  const pixels = height * width;
  return {
    format: 'idx',
    target: 'class',
    kind: 'image',
    size: labels.length,
    shape: [1, height, width],
    labels() {
      labels.forEach((label, index) => checkLabel(label, range, `record ${index} of ${images.path}`));
      return Promise.resolve(labels);
    },
    async read(index) {
      checkIndex(index, labels.length);
      const name = `record ${index} of ${images.path}`;
      const label = labels[index] ?? 0;
      checkLabel(label, range, name);
      const data = await images.read(16 + index * pixels, pixels);
      return {
        input: { kind: 'image', image: { width, height, channels: 1, data } },
        target: { kind: 'class', label },
        name,
      };
    },
    close: () => images.close(),
  };
}

async function imagesIn(folder: string, part: 'train' | 'val' | 'test'): Promise<string> {
  const prefix = part === 'train' ? 'train' : 't10k';
  const names = ['images-idx3-ubyte', 'images.idx3-ubyte', 'images-idx3-ubyte.gz', 'images.idx3-ubyte.gz'];
  for (const name of names) {
    const path = join(folder, `${prefix}-${name}`);
    if ((await pathKind(path)) === 'file') return path;
  }
  throw badData(`${folder} holds no ${prefix}-images-idx3-ubyte, gzipped or not`);
}

async function labelsBeside(imagesPath: string): Promise<string> {
  const name = basename(imagesPath);
  const standard = name.replace('images', 'labels').replace('idx3', 'idx1');
  const plain = standard.replace(/\.gz$/, '');
  const candidates = [standard, plain, `${plain}.gz`].filter((candidate) => candidate !== name);
  for (const candidate of candidates) {
    const path = join(dirname(imagesPath), candidate);
    if ((await pathKind(path)) === 'file') return path;
  }
  const help = 'name the file of labels with the option labels';
  throw badData(`there are no labels beside ${imagesPath}: ${standard} does not exist`, help);
}

async function readLabels(path: string): Promise<Uint8Array> {
  const file = await openMaybeGzipped(path);
  try {
    const view = await headerOf(file, 8, 2049, 'labels');
    const count = view.getUint32(4);
    if (file.bytes !== 8 + count) throw badData(`${path} has ${file.bytes - 8} labels, but its header says ${count}`);
    return await file.read(8, count);
  } finally {
    await file.close();
  }
}

async function readImagesHeader(file: RandomAccessFile): Promise<readonly [number, number, number]> {
  const view = await headerOf(file, 16, 2051, 'pictures');
  const [count, height, width] = [view.getUint32(4), view.getUint32(8), view.getUint32(12)];
  if (height === 0 || width === 0 || height > maxSide || width > maxSide) {
    throw badData(`${file.path} says that its pictures are ${width}x${height}`);
  }
  const records = (file.bytes - 16) / (height * width);
  if (records !== count) {
    const found = Number.isInteger(records) ? String(records) : `${Math.floor(records)} and a part`;
    throw badData(`${file.path} has ${found} of the ${count} pictures of ${width}x${height} that its header promises`);
  }
  return [count, height, width];
}

async function headerOf(file: RandomAccessFile, bytes: number, magic: number, what: string): Promise<DataView> {
  if (file.bytes < bytes) throw badData(`${file.path} ends inside of its header`);
  const header = await file.read(0, bytes);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const found = view.getUint32(0);
  if (found !== magic)
    throw badData(`${file.path} is no IDX file of ${what}: its magic number is ${found}, not ${magic}`);
  return view;
}

/** Gzip is told by its first two bytes, since the ending of the name may be lost. */
async function openMaybeGzipped(path: string): Promise<RandomAccessFile> {
  const file = await openFile(path);
  const start = file.bytes >= 2 ? await file.read(0, 2) : new Uint8Array();
  if (start[0] !== 0x1f || start[1] !== 0x8b) return file;
  await file.close();
  return inMemoryFile(path, await unpack(path));
}

async function unpack(path: string): Promise<Uint8Array> {
  const packed = await readBytes(path);
  try {
    return await inflate(packed, { maxOutputLength: unpackedLimit });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new RuntimeFault('E0714', 'input', `cannot unpack ${path}: ${reason}`);
  }
}
