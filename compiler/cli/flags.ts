/** Readers of flag values; each throws E0001 with what would be right. */
import { usageError } from '../driver/failure.ts';

/** An integer of at least `least`. */
export const integerFlag =
  (flag: string, least: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    throw usageError(`${flag} takes an integer of at least ${least}, not '${text}'`);
  };

/** A finite number that is not negative. */
export const numberFlag =
  (flag: string) =>
  (text: string): number => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && value >= 0) return value;
    throw usageError(`${flag} takes a number that is not negative, not '${text}'`);
  };

/** Collects the values of a flag that may be given several times. */
export const listFlag = (text: string, earlier: readonly string[] | undefined): readonly string[] => [
  ...(earlier ?? []),
  text,
];

/** Adds `name=value` to those given before. */
export function assignmentFlag(
  text: string,
  earlier: Readonly<Record<string, string>> | undefined,
): Readonly<Record<string, string>> {
  const found = /^\s*([A-Za-z_]\w*)\s*=(.*)$/s.exec(text);
  if (!found) throw usageError(`'${text}' is not name=value`, 'write -P classes=10');
  return { ...earlier, [found[1] ?? '']: found[2] ?? '' };
}

/** Sizes as in `N=1,H=128`. */
export function sizesFlag(
  text: string,
  earlier: Readonly<Record<string, number>> | undefined,
): Readonly<Record<string, number>> {
  const pairs = text.split(',').map((part): [string, number] => {
    const found = /^\s*([A-Za-z_]\w*)\s*=\s*(\d+)\s*$/.exec(part);
    const value = Number(found?.[2] ?? Number.NaN);
    if (!found || !Number.isSafeInteger(value) || value < 1) {
      throw usageError(`'${part}' is not NAME=SIZE`, 'write --shape N=1,H=128');
    }
    return [found[1] ?? '', value];
  });
  return { ...earlier, ...Object.fromEntries(pairs) };
}
