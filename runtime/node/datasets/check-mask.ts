/** The classes of a mask's pixels. */
import { outsideClass } from '../../train/pictures/prepare-sample.ts';
import { badData } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';

export type MaskRange = Pick<DatasetOptions, 'classes' | 'ignore' | 'maskValues'>;

/**
 * The class of every pixel: its value, or with `maskValues` the place of its value in that list; `ignore` stays as it is.
 * Throws E0714, naming the first pixel whose value is neither a class nor the one to ignore.
 */
export function maskClasses(
  { width, data }: { readonly width: number; readonly height: number; readonly data: ArrayLike<number> },
  range: MaskRange,
  name: string,
): Uint8Array {
  const { ignore, maskValues } = range;
  const most = Math.min(range.classes ?? maskValues?.length ?? outsideClass, outsideClass);
  const classes = new Uint8Array(data.length);
  for (let at = 0; at < data.length; at++) {
    const value = data[at] ?? 0;
    const label = value === ignore ? value : maskValues ? maskValues.indexOf(value) : value;
    const isClass = Number.isInteger(label) && ((label >= 0 && label < most) || (label === ignore && label <= 255));
    if (!isClass) throw badPixel(`pixel (${at % width}, ${Math.floor(at / width)}) of ${name}`, value, data, range);
    classes[at] = label;
  }
  return classes;
}

/** Values that a message lists. */
const mostListed = 8;

function badPixel(place: string, value: number, data: ArrayLike<number>, { classes, ignore, maskValues }: MaskRange) {
  const most = Math.min(classes ?? maskValues?.length ?? outsideClass, outsideClass);
  const ignored = ignore === undefined ? '' : ` and ${ignore} is ignored`;
  if (maskValues) {
    const list = maskValues.join(', ');
    return badData(
      `${place} has the value ${value}, but \`mask_values\` are ${list}${ignored}`,
      'add the value, or ignore it',
    );
  }
  const values = [...new Set(Array.from(data))].sort((a, b) => a - b);
  const found = values.length <= mostListed ? `; the values of this mask are ${values.join(', ')}` : '';
  return badData(
    `${place} has the class ${value}, but classes are 0 to ${most - 1}${ignored}${found}`,
    maskHelp(values, most, ignore),
  );
}

/** What to write for masks of some values, of `most` classes; nothing that would leave one class. */
export function maskHelp(found: readonly number[], most: number, ignore: number | undefined): string {
  const values = found.toSorted((a, b) => a - b);
  const list = `\`mask_values = [${values.join(', ')}]\``;
  const fits = values.length > 1 && values.length <= Math.min(most, mostListed) && values.every(Number.isInteger);
  const others = values.filter((each) => each !== 255);
  const isVoid =
    ignore === undefined && values.includes(255) && others.length > 1 && others.every((each) => each < most);
  if (isVoid) return 'write `ignore = 255` where it marks pixels that count for nothing';
  if (fits) return `where these values stand for classes 0 to ${values.length - 1}, write ${list}`;
  return 'a mask holds the numbers of its classes from 0 on; `mask_values` of the dataset lists other values in their order';
}
