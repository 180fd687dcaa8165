/** What every dataset offers, whatever its format: samples by index, read when they are asked for. */
import { RuntimeFault } from '../../errors.ts';
import { parseClassNames } from '../../files/names-file.ts';
import type { FormatName, PathFormat } from '../../train/data-formats.ts';
import type { Mask8, Sample } from '../../train/sample.ts';
import { readBytes } from '../file-access.ts';
import type { LeftOut } from './account.ts';

export interface Dataset {
  readonly format: FormatName;
  /** Whether samples have a class or a mask. */
  readonly target: 'class' | 'mask';
  /** Whether samples are pictures or tensors of numbers. */
  readonly kind: 'image' | 'tensor';
  /** Number of samples. */
  readonly size: number;
  /** In the order of the labels; undefined where the data does not name its classes. */
  readonly classNames: readonly string[] | undefined;
  /** `[channels, height, width]`; undefined where every picture has its own size. */
  readonly shape: readonly [number, number, number] | undefined;
  /** What lies beside the samples, and is not read. */
  readonly leftOut: readonly LeftOut[];
  /** The files of a sample's picture and mask, where every sample has some of its own. */
  filesOf?(index: number): readonly string[];
  /** The mask of a sample alone, where samples have masks; with `raw` its values as they are. Throws as `read` does. */
  readMask?(index: number, raw?: boolean): Promise<Mask8>;
  /** Number of classes that masks may have, where that is known. */
  readonly maskClasses?: number | undefined;
  /** The class of every sample, where reading them all is cheap; in range already. Throws as `read` does. */
  readonly labels?: (() => Promise<ArrayLike<number>>) | undefined;
  /** Throws E0714 (bad data), E0710 (cannot be read), E0713 (broken picture) and a RangeError for no such index. */
  read(index: number): Promise<Sample>;
  /** Closes the files. */
  close(): Promise<void>;
}

export type DatasetFormat = PathFormat;

export interface DatasetOptions {
  /** File of labels where it does not lie in the standard place: `file class` lines, IDX or npy by format. */
  readonly labels?: string | undefined;
  /** Number of classes: labels beyond are E0714. Default: what the format says, else no bound. */
  readonly classes?: number | undefined;
  /** A class beyond `classes` that is let through, since it counts for nothing. */
  readonly ignore?: number | undefined;
  /** Names of the classes, or a file with one name in a line. */
  readonly classNames?: string | readonly string[] | undefined;
  /** Values of a mask's pixels in the order of their classes; without it the values are the classes. */
  readonly maskValues?: readonly number[] | undefined;
  /** What the loss or the measurement needs, where data has both classes and masks. */
  readonly target?: 'class' | 'mask' | undefined;
  /** Which part of data in a standard layout: the test part of files, the last there is of arrays, unless told. */
  readonly part?: 'train' | 'val' | 'test' | undefined;
}

/** The fault for bad data: E0714. */
export function badData(message: string, help?: string): RuntimeFault {
  return new RuntimeFault('E0714', 'input', message, help);
}

/** Throws E0714 unless `label` is the index of one of the classes, or the one to ignore. */
export function checkLabel(
  label: number,
  { classes, ignore }: Pick<DatasetOptions, 'classes' | 'ignore'>,
  name: string,
): void {
  if (Number.isSafeInteger(label) && label >= 0 && (classes === undefined || label < classes)) return;
  if (label === ignore) return;
  const range = classes === undefined ? 'a class is an integer from 0' : `classes are 0 to ${classes - 1}`;
  throw badData(`${name} has the label ${label}, but ${range}`, labelHelp(label, classes));
}

function labelHelp(label: number, classes: number | undefined): string {
  if (!Number.isSafeInteger(label)) return 'labels are the numbers of classes, which are whole';
  if (label < 0) return 'number the classes from 0, and leave out samples that have none';
  return label === classes
    ? 'number the classes from 0, not from 1, or give the model another output'
    : 'number the classes from 0 without gaps, or give the model as many outputs as there are classes';
}

/** Throws a RangeError unless `index` is that of a sample. */
export function checkIndex(index: number, size: number): void {
  if (Number.isSafeInteger(index) && index >= 0 && index < size) return;
  throw new RangeError(`sample ${index} of a dataset of ${size}`);
}

/** The names of the option: as given, or those in the file that it names. Throws as `readNamesFile` does. */
export async function readClassNames(option: DatasetOptions['classNames']): Promise<readonly string[] | undefined> {
  return typeof option === 'string' ? readNamesFile(option) : option;
}

/** The class names in a file, one a line. Throws E0710, and E0714 for no UTF-8 and no names. */
export const readNamesFile = async (path: string): Promise<readonly string[]> =>
  parseClassNames(await readUtf8(path), path);

/** The lines of a text file without the empty ones at its end. Throws E0710, and E0714 for bytes that are no UTF-8. */
export const readLines = async (path: string): Promise<readonly string[]> =>
  (await readUtf8(path)).trimEnd().split(/\r\n|\n|\r/);

async function readUtf8(path: string): Promise<string> {
  const bytes = await readBytes(path);
  try {
    // The decoder takes a byte-order mark away.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw badData(`${path} is not a text in UTF-8`);
  }
}
