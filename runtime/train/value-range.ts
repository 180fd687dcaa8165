/** What the numbers of a tensor are: the range of the finite ones, and how many are not. */

export interface ValueRange {
  /** Of the finite values; Infinity and -Infinity where there are none. */
  readonly least: number;
  readonly greatest: number;
  readonly nan: number;
  readonly infinite: number;
  readonly count: number;
}

export function rangeOf(values: Float32Array): ValueRange {
  let [least, greatest, nan, infinite] = [Infinity, -Infinity, 0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) nan++;
    else if (!Number.isFinite(value)) infinite++;
    else {
      if (value < least) least = value;
      if (value > greatest) greatest = value;
    }
  }
  return { least, greatest, nan, infinite, count: values.length };
}

export const joinedRange = (a: ValueRange, b: ValueRange): ValueRange => ({
  least: Math.min(a.least, b.least),
  greatest: Math.max(a.greatest, b.greatest),
  nan: a.nan + b.nan,
  infinite: a.infinite + b.infinite,
  count: a.count + b.count,
});

export const isFiniteRange = ({ nan, infinite }: ValueRange): boolean => nan + infinite === 0;

/** `NaN`, `Inf` or `NaN and Inf`. */
export const describeNotFinite = ({ nan, infinite }: ValueRange): string =>
  [...(nan > 0 ? ['NaN'] : []), ...(infinite > 0 ? ['Inf'] : [])].join(' and ');

const short = (value: number): string => String(Number(value.toPrecision(4)));

/** `-0.5 .. 88.4`, or `0` where all are equal. */
export function describeRange({ least, greatest }: ValueRange): string {
  if (least > greatest) return 'no finite value';
  return least === greatest ? short(least) : `${short(least)} .. ${short(greatest)}`;
}
