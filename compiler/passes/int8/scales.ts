/** From measured ranges to scales and zero points. */
import type { QuantizeAttrs } from '../../ops/quantize.ts';
import type { Int8Plan, QuantizationPoint } from './plan.ts';
import { broughtIn, keepsScale } from './movement.ts';
import { functionOf, unaryPath } from './unary.ts';

/** The values that a point takes. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

export interface ScaleOptions {
  /** By key of the point. */
  readonly ranges: Readonly<Record<string, Range>>;
  /** Zero points of 0: half of the steps stay unused behind a relu. */
  readonly symmetric?: boolean;
}

/** Below it a scale's inverse would leave float32's normal numbers. */
const smallestScale = 2 ** -60;

/** Of values that are always 0: so fine that biases behind it, which are multiples of it, stay precise. */
const scaleOfZero = 2 ** -16;

/**
 * Scale and zero point of a range, which is widened to hold 0, so that 0 is a whole step (TFLite's specification, Jacob
 * et al. 2018, section 3): `scale = (max - min) / 255`, `zeroPoint = round(-128 - min / scale)`; symmetric ones have
 * `scale = max(|min|, |max|) / 127` and the zero point 0.
 */
export function quantizeAttrsOf(range: Range, symmetric = false): QuantizeAttrs {
  const [min, max] = [Math.min(0, range.min), Math.max(0, range.max)];
  const wanted = symmetric ? Math.max(-min, max) / 127 : (max - min) / 255;
  const scale = wanted === 0 ? scaleOfZero : Math.max(Math.fround(wanted), smallestScale);
  if (symmetric) return { scale, zeroPoint: 0 };
  return { scale, zeroPoint: Math.min(Math.max(Math.round(-128 - min / scale), -128), 127) };
}

export const union = (a: Range, b: Range): Range => ({ min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) });

const gridCells = 512;

/**
 * The part of a range where a function moves by more than `tolerance`: what lies beyond saturates to its ends, as with
 * hard-swish below -3, and the steps that it would take make the rest finer.
 */
export function activeRange(range: Range, f: (values: Float64Array) => Float64Array, tolerance: number): Range {
  const grid = Float64Array.from(
    { length: gridCells + 1 },
    (_, index) => range.min + ((range.max - range.min) * index) / gridCells,
  );
  const values = f(grid);
  const flatUpTo = (indices: readonly number[]): number => {
    let [low, high, last] = [Infinity, -Infinity, indices[0] ?? 0];
    for (const index of indices) {
      low = Math.min(low, values[index] ?? 0);
      high = Math.max(high, values[index] ?? 0);
      if (high - low > tolerance) return grid[last] ?? 0;
      last = index;
    }
    return grid[last] ?? 0;
  };
  const rising = Array.from(grid.keys());
  const [min, max] = [flatUpTo(rising), flatUpTo(rising.toReversed())];
  return min < max ? { min, max } : range;
}

/** A tolerance of a quarter step of the result is below its own rounding. */
function trimmed(point: QuantizationPoint, range: Range, result: QuantizeAttrs | undefined): Range {
  const path = point.table && unaryPath(point.node, point.table.exit);
  return path && result ? activeRange(range, functionOf(point.node, path), result.scale / 4) : range;
}

/** Scale and zero point by number of scale. Throws a RangeError where a point has no range. */
export function scalesOf(plan: Int8Plan, { ranges, symmetric = false }: ScaleOptions): Map<number, QuantizeAttrs> {
  const rangeOf = ({ key }: QuantizationPoint): Range => {
    const range = ranges[key];
    if (range && Number.isFinite(range.min) && Number.isFinite(range.max)) return range;
    throw new RangeError(`there is no range of ${key}`);
  };
  const shared = new Map<number, Range>();
  const widen = (scale: number, range: Range): unknown => shared.set(scale, union(shared.get(scale) ?? range, range));
  for (const point of plan.points) widen(point.scale, rangeOf(point));
  for (const [node, scale] of plan.scales) {
    if (keepsScale(node)) widen(scale, { min: broughtIn(node), max: broughtIn(node) });
  }
  const scales = new Map([...shared].map(([scale, range]) => [scale, quantizeAttrsOf(range, symmetric)]));
  for (const point of plan.points) {
    const exit = point.table && plan.scales.get(point.table.exit);
    if (exit === undefined) continue;
    const active = trimmed(point, rangeOf(point), scales.get(exit));
    scales.set(point.scale, quantizeAttrsOf(active, symmetric));
  }
  return scales;
}
