/** Arrays saved by NumPy: one npy file of samples in NCHW order and one of labels. */
import { basename, dirname, join } from 'node:path';
import { RuntimeFault } from '../../errors.ts';
import type { Image8 } from '../../image.ts';
import { parseNpy, parseNpyHeader } from '../../npy.ts';
import { elementBytes, toFloat32, toFloat64 } from '../../stored-tensor.ts';
import type { StoredType } from '../../stored-tensor.ts';
import { inMemoryFile, openFile, pathKind, readBytes } from '../file-access.ts';
import type { RandomAccessFile } from '../file-access.ts';
import { badData, checkIndex, checkLabel, readClassNames } from './dataset.ts';
import type { Dataset, DatasetOptions, SampleInput } from './dataset.ts';

/** Samples in a file, in C order and little-endian from `offset` on. */
interface Samples {
  readonly file: RandomAccessFile;
  readonly dtype: StoredType;
  readonly shape: readonly [number, number, number, number];
  readonly offset: number;
}

/**
 * Opens samples `[N, C, H, W]` and the labels `[N]` beside them: `images` in the name becomes `labels`, else
 * `NAME-labels.npy` or `labels.npy`. Unsigned bytes with 1 or 3 channels are pictures; every other type is a tensor
 * for the model as it is. Throws E0710 for a missing file, E0712 for a broken one and E0714 for shapes that disagree.
 */
export async function openNpy(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const labelsPath = options.labels ?? (await labelsBeside(path));
  const classNames = await readClassNames(options.classNames);
  const labels = await readLabels(labelsPath);
  const samples = await openSamples(path);
  const [size, ...shape] = samples.shape;
  if (size !== labels.length) {
    await samples.file.close();
    throw badData(`${path} has ${size} samples, but ${labelsPath} has ${labels.length} labels`);
  }
  const classes = options.classes ?? classNames?.length;
  return {
    format: 'npy',
    size,
    classNames,
    shape,
    async read(index) {
      checkIndex(index, size);
      const name = `sample ${index} of ${path}`;
      const label = labels[index] ?? 0;
      checkLabel(label, classes, name);
      return { input: await readSample(samples, index), label, name };
    },
    close: () => samples.file.close(),
  };
}

async function labelsBeside(path: string): Promise<string> {
  const name = basename(path);
  const candidates = [name.replace('images', 'labels'), name.replace(/\.npy$/, '-labels.npy'), 'labels.npy'];
  for (const candidate of candidates) {
    const labels = join(dirname(path), candidate);
    if (candidate !== name && (await pathKind(labels)) === 'file') return labels;
  }
  throw badData(`there is no labels.npy beside ${path}`, 'name the file of labels with the option labels');
}

async function readLabels(path: string): Promise<Float64Array> {
  const tensor = await naming(path, async () => parseNpy(await readBytes(path)));
  if (tensor.shape.length !== 1)
    throw badData(`the labels in ${path} have the shape [${tensor.shape.join(', ')}], not [N]`);
  return toFloat64(tensor);
}

async function openSamples(path: string): Promise<Samples> {
  const file = await openFile(path);
  try {
    return await naming(path, () => readLayout(file));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readLayout(file: RandomAccessFile): Promise<Samples> {
  const header = parseNpyHeader(await file.read(0, Math.min(file.bytes, 1 << 17)));
  const [n, c, h, w] = header.shape;
  if (n === undefined || c === undefined || h === undefined || w === undefined || header.shape.length !== 4) {
    throw badData(`${file.path} has the shape [${header.shape.join(', ')}], not [N, C, H, W]`);
  }
  const shape = [n, c, h, w] as const;
  if (header.fortranOrder || (header.bigEndian && elementBytes[header.dtype] > 1)) {
    // Such a file is rare, and its samples are scattered: it is put in order as a whole.
    const { bytes } = parseNpy(await file.read(0, file.bytes));
    await file.close();
    return { file: inMemoryFile(file.path, bytes), dtype: header.dtype, shape, offset: 0 };
  }
  const found = file.bytes - header.dataOffset;
  if (found !== header.dataBytes)
    throw badData(`${file.path} needs ${header.dataBytes} bytes of data, but has ${found}`);
  return { file, dtype: header.dtype, shape, offset: header.dataOffset };
}

async function readSample({ file, dtype, shape, offset }: Samples, index: number): Promise<SampleInput> {
  const [, channels, height, width] = shape;
  const length = channels * height * width * elementBytes[dtype];
  const bytes = await file.read(offset + index * length, length);
  if (dtype === 'U8' && (channels === 1 || channels === 3)) {
    return { kind: 'image', image: interleave(bytes, channels, height, width) };
  }
  const values = toFloat32({ dtype, shape: [channels, height, width], bytes });
  return { kind: 'tensor', values, shape: [channels, height, width] };
}

function interleave(planes: Uint8Array, channels: 1 | 3, height: number, width: number): Image8 {
  const pixels = height * width;
  const data = new Uint8Array(planes.length);
  planes.forEach((value, at) => (data[(at % pixels) * channels + Math.floor(at / pixels)] = value));
  return { width, height, channels, data };
}

/** The reader of npy data knows no file names; its faults get one here. */
async function naming<T>(path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof RuntimeFault) || error.code !== 'E0712') throw error;
    throw new RuntimeFault(error.code, error.kind, `${path}: ${error.message}`, error.help);
  }
}
