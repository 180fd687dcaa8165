/** What every dataset offers, whatever its format: samples by index, read when they are asked for. */
import { RuntimeFault } from '../../errors.ts';
import type { Image8 } from '../../image.ts';
import { readBytes } from '../file-access.ts';

/** A picture, or a tensor that is ready for the model: float32 in CHW order. */
export type SampleInput =
  | { readonly kind: 'image'; readonly image: Image8 }
  | { readonly kind: 'tensor'; readonly values: Float32Array; readonly shape: readonly [number, number, number] };

export interface Sample {
  readonly input: SampleInput;
  /** Index of the class. */
  readonly label: number;
  /** Where the sample comes from, for messages: a file, or a file and a record. */
  readonly name: string;
}

export interface Dataset {
  readonly format: DatasetFormat;
  /** Number of samples. */
  readonly size: number;
  /** In the order of the labels; undefined where the data does not name its classes. */
  readonly classNames: readonly string[] | undefined;
  /** `[channels, height, width]`; undefined where every picture has its own size. */
  readonly shape: readonly [number, number, number] | undefined;
  /** Throws E0714 (bad data), E0710 (cannot be read), E0713 (broken picture) and a RangeError for no such index. */
  read(index: number): Promise<Sample>;
  /** Closes the files. */
  close(): Promise<void>;
}

/** Every format name, in the order of the documentation. */
export const datasetFormats = ['cifar-binary', 'idx', 'image-folder', 'npy'] as const;
export type DatasetFormat = (typeof datasetFormats)[number];

export interface DatasetOptions {
  /** File of labels where it does not lie in the standard place: `file class` lines, IDX or npy by format. */
  readonly labels?: string | undefined;
  /** Number of classes: labels beyond are E0714. Default: what the format says, else no bound. */
  readonly classes?: number | undefined;
  /** Names of the classes, or a file with one name in a line. */
  readonly classNames?: string | readonly string[] | undefined;
  /** Which files of a folder in a standard layout (cifar-binary, idx); the test part unless told. */
  readonly part?: 'train' | 'test' | undefined;
}

/** The fault for bad data: E0714. */
export function badData(message: string, help?: string): RuntimeFault {
  return new RuntimeFault('E0714', 'input', message, help);
}

/** Throws E0714 unless `label` is the index of one of the classes. */
export function checkLabel(label: number, classes: number | undefined, name: string): void {
  if (Number.isSafeInteger(label) && label >= 0 && (classes === undefined || label < classes)) return;
  const range = classes === undefined ? 'a class is an integer from 0' : `classes are 0 to ${classes - 1}`;
  throw badData(`${name} has the label ${label}, but ${range}`);
}

/** Throws a RangeError unless `index` is that of a sample. */
export function checkIndex(index: number, size: number): void {
  if (Number.isSafeInteger(index) && index >= 0 && index < size) return;
  throw new RangeError(`sample ${index} of a dataset of ${size}`);
}

/** The names of the option: as given, or the lines of the file that it names. */
export async function readClassNames(option: DatasetOptions['classNames']): Promise<readonly string[] | undefined> {
  return typeof option === 'string' ? readLines(option) : option;
}

/** The lines of a text file without the empty ones at its end. Throws E0710, and E0714 for bytes that are no UTF-8. */
export async function readLines(path: string): Promise<readonly string[]> {
  const bytes = await readBytes(path);
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.trimEnd().split(/\r?\n/);
  } catch {
    throw badData(`${path} is not a text in UTF-8`);
  }
}
