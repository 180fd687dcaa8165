/** How far two values are apart, and what messages say of those that have no counterpart. */
import { nameList } from '../../../../runtime/class-names.ts';
import type { HostTensor } from '../../../../runtime/session.ts';
import { CommandError } from '../../../driver/failure.ts';
import { formatDigits, formatInteger } from '../../../driver/text.ts';

export type Values = Pick<HostTensor, 'shape'> & { readonly data: ArrayLike<number> };

export interface Tolerance {
  /** As a part of the largest magnitude in the tensor. */
  readonly rtol: number;
  readonly atol: number;
}

export interface Difference {
  readonly layer: string;
  readonly place: string;
  /** Largest absolute difference, and that over the largest magnitude. */
  readonly largest: number;
  readonly relative: number;
  /** Element with the largest difference. */
  readonly at: number;
}

export function difference(layer: string, place: string, actual: Values, wanted: Values): Difference {
  const { data } = wanted;
  if (actual.shape.join() !== wanted.shape.join())
    return { layer, place, largest: Infinity, relative: Infinity, at: 0 };
  let [largest, magnitude, at] = [0, 0, 0];
  for (let index = 0; index < data.length; index++) {
    const [x, y] = [actual.data[index] ?? 0, data[index] ?? 0];
    if (Number.isFinite(y)) magnitude = Math.max(magnitude, Math.abs(y));
    if (x === y || (Number.isNaN(x) && Number.isNaN(y))) continue;
    const apart = Number.isFinite(x) && Number.isFinite(y) ? Math.abs(x - y) : Infinity;
    if (apart > largest) [largest, at] = [apart, index];
  }
  const relative = largest === 0 ? 0 : largest / Math.max(magnitude, Number.MIN_VALUE);
  return { layer, place, largest, relative, at };
}

/** `help` is what is to be known of the other values. */
export function checkDifference(
  found: Difference,
  actual: Values,
  wanted: Values,
  { rtol, atol }: Tolerance,
  help: string,
): void {
  const { layer, place, largest, relative, at } = found;
  const magnitude = relative > 0 && Number.isFinite(relative) ? largest / relative : 0;
  if (largest <= atol + rtol * magnitude) return;
  const where = place === '' ? '' : ` (${place})`;
  const shapes = `[${actual.shape.join(', ')}] and [${wanted.shape.join(', ')}]`;
  const what =
    actual.shape.join() === wanted.shape.join()
      ? `the values differ by up to ${formatDigits(largest)}, ${formatDigits(relative)} of the largest: ${actual.data[at]} and ${wanted.data[at]} at element ${at}`
      : `the shapes are ${shapes}`;
  throw new CommandError(
    'E0907',
    `${layer}${where}: ${what}`,
    `${help}; --rtol and --atol set what is allowed, and --data FORMAT:PATH compares what comes of real samples`,
  );
}

/** Layers that have no counterpart. */
export interface Unmatched {
  readonly first: readonly string[];
  readonly second: readonly string[];
}

/** `only out/a has stem conv2d; only out/b has ...`; empty where each layer has its counterpart. */
export function unmatchedText({ first, second }: Unmatched, [a, b]: readonly [string, string]): string {
  const has = (name: string, layers: readonly string[]): string[] =>
    layers.length === 0 ? [] : [`only ${name} has ${nameList(layers)}`];
  return [...has(a, first), ...has(b, second)].join('; ');
}

export function agreement(before: number): string {
  if (before === 0) return 'it is the first value that was compared';
  return before === 1 ? 'the value before it agrees' : `the ${formatInteger(before)} values before it agree`;
}
