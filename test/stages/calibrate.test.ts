import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  boundedEntropyRange,
  count,
  divergence,
  emptyHistogram,
  entropyRange,
  magnitudes,
  mseRange,
  percentileRange,
  rangeOf,
  squaredError,
  type Histogram,
} from '../../compiler/stages/quantize/calibrate.ts';

interface Recorded {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly counts: readonly number[];
  readonly percentile: readonly (readonly [number, number])[];
  readonly mse: readonly [number, number];
  readonly entropy?: number;
}

const path = new URL('../golden/calibrate/ranges.json', import.meta.url);
const recorded = JSON.parse(readFileSync(path, 'utf8')) as readonly Recorded[];
const histogramOf = ({ min, max, counts }: Recorded): Histogram => ({ min, max, counts: Float64Array.from(counts) });

const of = (values: readonly number[], bins: number, min = 0, max = bins): Histogram => {
  const histogram = emptyHistogram({ min, max }, bins);
  count(histogram, values);
  return histogram;
};

describe('calibration', () => {
  it('counts values in bins, the ends in the outermost', () => {
    expect([...of([-1, 0, 0.5, 1, 3.9, 4, 9], 4).counts]).toEqual([3, 1, 0, 3]);
    expect([...of([2, 2], 4, 2, 2).counts]).toEqual([2, 0, 0, 0]);
  });

  it('folds a signed histogram to magnitudes', () => {
    const signed = of([-3.5, -0.5, 0.5, 0.6, 3.5], 8, -4, 4);
    expect([...magnitudes(signed).counts]).toEqual([0, 3, 0, 0, 0, 0, 0, 2]);
  });

  it.each(recorded)('keeps the percentiles of numpy: $name', (each) => {
    const width = (each.max - each.min) / each.counts.length;
    for (const [index, share] of [0.9999, 0.99, 0.9].entries()) {
      const { min, max } = percentileRange(histogramOf(each), share);
      const [low, high] = each.percentile[index] ?? [NaN, NaN];
      expect(Math.abs(min - low)).toBeLessThan(width / 1000);
      expect(Math.abs(max - high)).toBeLessThan(width / 1000);
    }
  });

  it.each(recorded.filter(({ entropy }) => entropy !== undefined))('finds the threshold of numpy: $name', (each) => {
    const { min, max } = entropyRange(histogramOf(each));
    expect(min).toBe(0);
    expect(Math.abs(max / (each.entropy ?? NaN) - 1)).toBeLessThan(1e-9);
  });

  it.each(recorded)('has no larger error than the range that torch finds: $name', (each) => {
    const histogram = histogramOf(each);
    const [min, max] = each.mse;
    const [ours, theirs] = [mseRange(histogram), { min, max }].map((range) => squaredError(histogram, range, false));
    expect(ours).toBeLessThanOrEqual((theirs ?? 0) * 1.0001);
    expect(ours).toBeLessThanOrEqual(squaredError(histogram, histogram, false));
  });

  it('cuts an outlier, but nothing of a uniform histogram', () => {
    const outlier = of([...Array.from({ length: 10_000 }, (_, at) => at / 10_000), 40], 2048, 0, 40);
    for (const range of [entropyRange(outlier), percentileRange(outlier, 0.999)]) {
      expect(range.max).toBeLessThan(4);
      expect(range.max).toBeGreaterThan(0.9);
    }
    expect(rangeOf(outlier, { kind: 'min_max' })).toEqual({ min: 0, max: 40 });
    const uniform = of(
      Array.from({ length: 20_480 }, (_, at) => at / 10 + 0.01),
      2048,
    );
    expect(mseRange(uniform).max).toBeGreaterThan(2000);
    expect(entropyRange(uniform).max).toBe(2048);
  });

  it('never chooses by entropy what is more than a decibel worse than the whole range', () => {
    // Few values far apart, smooth ones, and outliers; either sign.
    const sparse = fc.array(fc.tuple(fc.nat(255), fc.nat(10_000)), { minLength: 1, maxLength: 6 });
    const smooth = fc.array(fc.nat(1000), { minLength: 256, maxLength: 256 });
    const ends = fc.tuple(fc.constantFrom(0, -0.3, -1, 0.2), fc.constantFrom(1, 6, 40));
    fc.assert(
      fc.property(fc.oneof(sparse, smooth), ends, fc.boolean(), (drawn, [min, max], symmetric) => {
        const histogram = { min, max, counts: new Float64Array(256) };
        for (const [at, each] of drawn.entries()) {
          const [bin, often] = typeof each === 'number' ? [at, each] : each;
          histogram.counts[bin] = (histogram.counts[bin] ?? 0) + often;
        }
        histogram.counts[255] = (histogram.counts[255] ?? 0) + 1;
        const range = rangeOf(histogram, { kind: 'entropy' }, symmetric);
        const [chosen, whole] = [range, histogram].map((each) => squaredError(histogram, each, symmetric));
        expect(10 * Math.log10((chosen ?? NaN) / (whole ?? NaN))).toBeLessThanOrEqual(1 + 1e-9);
      }),
    );
  });

  it('keeps both of two values, of which entropy alone would cut the larger', () => {
    const two = of([...Array<number>(9000).fill(0.1), ...Array<number>(1000).fill(1)], 2048, 0, 1);
    expect(entropyRange(two).max).toBeLessThan(0.5);
    expect(boundedEntropyRange(two).max).toBeGreaterThan(0.95);
  });

  it('computes the divergence by hand', () => {
    // Two equal bins a level lose nothing; unequal ones are 3/4 ln(3/2) + 1/4 ln(1/2) apart in every level.
    const equal = new Float64Array(256).fill(5);
    expect(divergence(equal, 256)).toBeCloseTo(0, 12);
    const unequal = Float64Array.from({ length: 256 }, (_, at) => (at % 2 === 0 ? 3 : 1));
    expect(divergence(unequal, 256)).toBeCloseTo(0.75 * Math.log(1.5) + 0.25 * Math.log(0.5), 12);
  });

  it('keeps a value that is always the same', () => {
    for (const kind of ['min_max', 'entropy', 'mse'] as const) {
      expect(rangeOf(of([3, 3, 3], 2048, 3, 3), { kind })).toEqual({ min: 3, max: 3 });
    }
  });
});
