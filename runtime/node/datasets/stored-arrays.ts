/** Datasets of arrays, as npy and npz files hold them: samples one behind the other, and their classes or masks. */
import { RuntimeFault } from '../../errors.ts';
import type { Image8 } from '../../pictures/image.ts';
import { parseNpy, parseNpyHeader } from '../../files/npy.ts';
import { elementBytes, toFloat32, toFloat64 } from '../../files/stored-tensor.ts';
import type { StoredTensor, StoredType } from '../../files/stored-tensor.ts';
import type { Mask8, SampleInput, Target } from '../../train/sample.ts';
import { inMemoryFile } from '../file-access.ts';
import type { RandomAccessFile } from '../file-access.ts';
import { badData, checkIndex, checkLabel } from './dataset.ts';
import type { Dataset, DatasetOptions } from './dataset.ts';
import { maskClasses } from './check-mask.ts';
import type { Opened } from './located.ts';

/** An array in a file, in C order and little-endian from `offset` on. */
export interface StoredArray {
  readonly file: RandomAccessFile;
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  readonly offset: number;
}

/** How the samples of an array lie: `[N, channels, height, width]`, or with the channels last. */
export interface SampleLayout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly channelsLast: boolean;
}

export type ClassRange = Pick<DatasetOptions, 'classes' | 'ignore' | 'maskValues'>;

/** Reads the header of an npy file; a file in Fortran order or big-endian is put in order as a whole. */
export async function openArray(file: RandomAccessFile): Promise<StoredArray> {
  return naming(file.path, async () => {
    const header = parseNpyHeader(await file.read(0, Math.min(file.bytes, 1 << 17)));
    const { dtype, shape, dataOffset } = header;
    if (header.fortranOrder || (header.bigEndian && elementBytes[dtype] > 1)) {
      const { bytes } = parseNpy(await file.read(0, file.bytes));
      await file.close();
      return { file: inMemoryFile(file.path, bytes), dtype, shape, offset: 0 };
    }
    const found = file.bytes - dataOffset;
    if (found !== header.dataBytes) {
      throw badData(`${file.path} needs ${header.dataBytes} bytes of data, but has ${found}`);
    }
    return { file, dtype, shape, offset: dataOffset };
  });
}

/** All of an array. */
export async function readArray({ file, dtype, shape, offset }: StoredArray): Promise<StoredTensor> {
  return { dtype, shape, bytes: await file.read(offset, file.bytes - offset) };
}

/**
 * The dataset of samples with their targets: classes `[N]` or `[N, 1]`, masks `[N, height, width]`. Throws E0714 where
 * the two disagree; `close` closes both files.
 */
export async function arrayDataset(
  format: 'npy' | 'npz',
  samples: StoredArray,
  layout: SampleLayout,
  targets: StoredArray,
  range: ClassRange,
): Promise<Omit<Opened, 'classNames'>> {
  const { channels, height, width } = layout;
  const size = samples.shape[0] ?? 0;
  const reader = await readTargets(targets, samples, layout, range);
  const picture = samples.dtype === 'U8' && (channels === 1 || channels === 3);
  return {
    format,
    size,
    target: reader.target,
    kind: picture ? 'image' : 'tensor',
    shape: [channels, height, width],
    labels: reader.labels,
    ...(reader.readMask ? { readMask: reader.readMask, maskClasses: range.classes } : {}),
    async read(index) {
      checkIndex(index, size);
      const name = `sample ${index} of ${samples.file.path}`;
      return { target: await reader.read(index, name), input: await readInput(samples, layout, index, name), name };
    },
    async close() {
      await samples.file.close();
      await targets.file.close();
    },
  };
}

interface TargetReader {
  readonly target: 'class' | 'mask';
  readonly labels: Dataset['labels'];
  readonly readMask?: (index: number, raw?: boolean) => Promise<Mask8>;
  read(index: number, name: string): Promise<Target>;
}

async function readTargets(
  targets: StoredArray,
  samples: StoredArray,
  { height, width }: SampleLayout,
  range: ClassRange,
): Promise<TargetReader> {
  const [size = 0, ...rest] = targets.shape;
  const found = `[${targets.shape.join(', ')}]`;
  if (size !== samples.shape[0]) {
    const message = `${samples.file.path} has ${samples.shape[0]} samples, but ${targets.file.path} has ${size} labels`;
    throw badData(message, 'save one label for each sample, in the same order');
  }
  const isMask = rest.length === 2 && !(rest[0] === 1 && rest[1] === 1);
  if (targets.shape.length === 0 || rest.length > 2 || (rest.length === 1 && rest[0] !== 1)) {
    const help =
      rest.length === 1
        ? 'where a row has a 1 at the class, save `labels.argmax(axis=1)`'
        : 'save a class for each sample, or one for each pixel';
    throw badData(`the labels in ${targets.file.path} have the shape ${found}, not [N] or [N, height, width]`, help);
  }
  if (!isMask) return classReader(toFloat64(await readArray(targets)), samples, range);
  if (rest[0] !== height || rest[1] !== width) {
    throw badData(
      `the masks in ${targets.file.path} are ${rest[1]}x${rest[0]}, but the samples are ${width}x${height}`,
    );
  }
  return maskReader(targets, [height, width], range);
}

function classReader(labels: Float64Array, { file }: StoredArray, range: ClassRange): TargetReader {
  return {
    target: 'class',
    labels() {
      labels.forEach((label, index) => checkLabel(label, range, `sample ${index} of ${file.path}`));
      return Promise.resolve(labels);
    },
    read(index, name) {
      const label = labels[index] ?? 0;
      checkLabel(label, range, name);
      return Promise.resolve({ kind: 'class', label });
    },
  };
}

function maskReader(
  { file, dtype, offset }: StoredArray,
  [height, width]: readonly [number, number],
  range: ClassRange,
): TargetReader {
  const length = height * width * elementBytes[dtype];
  const readMask = async (index: number, raw = false): Promise<Mask8> => {
    const bytes = await file.read(offset + index * length, length);
    const values = toFloat64({ dtype, shape: [height, width], bytes });
    const name = `the mask ${index} in ${file.path}`;
    if (raw) return { width, height, data: Uint8Array.from(values) };
    return { width, height, data: maskClasses({ width, height, data: values }, range, name) };
  };
  return {
    target: 'mask',
    labels: undefined,
    readMask,
    read: async (index) => ({ kind: 'mask', mask: await readMask(index) }),
  };
}

async function readInput(
  { file, dtype, offset }: StoredArray,
  { channels, height, width, channelsLast }: SampleLayout,
  index: number,
  name: string,
): Promise<SampleInput> {
  const length = channels * height * width * elementBytes[dtype];
  const bytes = await file.read(offset + index * length, length);
  if (dtype === 'U8' && (channels === 1 || channels === 3)) {
    const data = channelsLast ? bytes : interleave(bytes, channels);
    const image: Image8 = { width, height, channels, data };
    return { kind: 'image', image };
  }
  const values = toFloat32({ dtype, shape: [channels, height, width], bytes });
  const bad = firstNotFinite(values);
  if (bad !== undefined) {
    const help = 'leave the sample out, or replace what is not finite: `np.nan_to_num(images)`';
    throw badData(`${name} has the value ${values[bad]} at element ${bad}`, help);
  }
  const planes = channelsLast ? deinterleave(values, channels, height * width) : values;
  return { kind: 'tensor', values: planes, shape: [channels, height, width] };
}

/** A loop: a file is read through for it, and methods of arrays with a function take several times as long. */
function firstNotFinite(values: Float32Array): number | undefined {
  for (let at = 0; at < values.length; at++) if (!Number.isFinite(values[at])) return at;
  return undefined;
}

function interleave(planes: Uint8Array, channels: number): Uint8Array {
  const data = new Uint8Array(planes.length);
  for (let c = 0, from = 0; c < channels; c++) {
    for (let to = c; to < data.length; to += channels) data[to] = planes[from++] ?? 0;
  }
  return data;
}

function deinterleave(values: Float32Array, channels: number, pixels: number): Float32Array {
  return values.map((_, at) => values[(at % pixels) * channels + Math.floor(at / pixels)] ?? 0);
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
