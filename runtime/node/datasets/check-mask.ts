/** Whether a mask holds classes, and nothing else. */
import { outsideClass } from '../../train/prepare-sample.ts';
import { badData } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';

/** Throws E0714, naming the first pixel whose value is neither a class nor the one to ignore. */
export function checkMask(
  { width, data }: { readonly width: number; readonly height: number; readonly data: ArrayLike<number> },
  { classes = outsideClass, ignore }: Pick<DatasetOptions, 'classes' | 'ignore'>,
  name: string,
): void {
  const most = Math.min(classes, outsideClass);
  for (let at = 0; at < data.length; at++) {
    const value = data[at] ?? 0;
    if (Number.isInteger(value) && ((value >= 0 && value < most) || (value === ignore && value <= 255))) continue;
    const place = `pixel (${at % width}, ${Math.floor(at / width)}) of ${name}`;
    const ignored = ignore === undefined ? '' : ` and ${ignore} is ignored`;
    const help =
      ignore === undefined && value === 255
        ? 'write `ignore = 255` where it marks pixels that count for nothing'
        : undefined;
    throw badData(`${place} has the class ${value}, but classes are 0 to ${most - 1}${ignored}`, help);
  }
}
