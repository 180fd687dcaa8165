/** Ranges from what a calibration saw: pure functions from extremes and histograms to the range that int8 will cover. */
import { quantizeAttrsOf, type Range } from '../../passes/int8/scales.ts';

/** Counts of values in bins of equal width from `min` to `max`. */
export interface Histogram extends Range {
  readonly counts: Float64Array;
}

export type CalibrationMethod =
  | { readonly kind: 'min_max' | 'entropy' | 'mse' }
  /** The share of values that the range keeps, as in 0.9999. */
  | { readonly kind: 'percentile'; readonly share: number };

/** As TensorRT and ONNX Runtime have it. */
export const histogramBins = 2048;

export function emptyHistogram({ min, max }: Range, bins = histogramBins): Histogram {
  return { min, max, counts: new Float64Array(bins) };
}

/** Counts values in place; those beyond the ends count in the outermost bins. */
export function count({ min, max, counts }: Histogram, values: ArrayLike<number>): void {
  const [bins, factor] = [counts.length, max > min ? counts.length / (max - min) : 0];
  for (let at = 0; at < values.length; at++) {
    const bin = Math.min(Math.max(Math.floor(((values[at] ?? 0) - min) * factor), 0), bins - 1);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
}

const widthOf = ({ min, max, counts }: Histogram): number => (max - min) / counts.length;
const totalOf = (counts: Float64Array): number => counts.reduce((sum, each) => sum + each, 0);

/** Half of what is cut lies beyond each end (ONNX Runtime's percentile calibrator); whole bins are kept. */
export function percentileRange(histogram: Histogram, share: number): Range {
  const { min, counts } = histogram;
  const cut = ((1 - share) / 2) * totalOf(counts);
  const width = widthOf(histogram);
  let [low, high, below, above] = [0, counts.length, 0, 0];
  while (low < counts.length - 1 && below + (counts[low] ?? 0) <= cut) below += counts[low++] ?? 0;
  while (high > low + 1 && above + (counts[high - 1] ?? 0) <= cut) above += counts[--high] ?? 0;
  return { min: low === 0 ? min : min + low * width, max: high === counts.length ? histogram.max : min + high * width };
}

/** The same counts over magnitudes: from 0 to the largest one. A bin is where its middle lies. */
export function magnitudes(histogram: Histogram): Histogram {
  const { min, max, counts } = histogram;
  const folded = emptyHistogram({ min: 0, max: Math.max(Math.abs(min), Math.abs(max)) }, counts.length);
  const [width, factor] = [widthOf(histogram), folded.max > 0 ? counts.length / folded.max : 0];
  for (let bin = 0; bin < counts.length; bin++) {
    const middle = Math.abs(min + (bin + 0.5) * width);
    const to = Math.min(Math.floor(middle * factor), counts.length - 1);
    folded.counts[to] = (folded.counts[to] ?? 0) + (counts[bin] ?? 0);
  }
  return folded;
}

/** Levels of one sign, as in Migacz, "8-bit inference with TensorRT", 2017. */
const levels = 128;

/** `KL(P || Q)`, where P is the histogram up to a bin with the rest in its last one, and Q the same in 128 levels. */
export function divergence(counts: Float64Array, bins: number): number {
  const kept = counts.slice(0, bins);
  const outside = counts.subarray(bins).reduce((sum, each) => sum + each, 0);
  const reference = kept.slice();
  reference[bins - 1] = (reference[bins - 1] ?? 0) + outside;
  const quantized = new Float64Array(bins);
  for (let level = 0; level < levels; level++) {
    const from = Math.floor((level * bins) / levels);
    const to = level === levels - 1 ? bins : Math.floor(((level + 1) * bins) / levels);
    let [sum, filled] = [0, 0];
    for (let bin = from; bin < to; bin++) {
      sum += kept[bin] ?? 0;
      if ((reference[bin] ?? 0) > 0) filled++;
    }
    for (let bin = from; bin < to; bin++) if ((reference[bin] ?? 0) > 0) quantized[bin] = sum / filled;
  }
  const [all, shared] = [totalOf(reference), totalOf(quantized)];
  if (shared === 0) return Infinity;
  let result = 0;
  for (let bin = 0; bin < bins; bin++) {
    const [p, q] = [(reference[bin] ?? 0) / all, (quantized[bin] ?? 0) / shared];
    // A bin that only what lies beyond fills has no counterpart; a small share stands in, as in ONNX Runtime.
    if (p > 0) result += p * Math.log(p / (q > 0 ? q : 1e-4));
  }
  return result;
}

/**
 * The threshold on magnitudes whose 128 levels lose least information, among those that `accept` takes. The bin at zero
 * counts as the one beside it, as in TensorRT: an integer zero point represents zero exactly, and behind a relu its spike
 * would outweigh all else.
 */
export function entropyRange(histogram: Histogram, accept: (range: Range) => boolean = () => true): Range {
  const { min, max } = histogram;
  const { max: largest, counts } = magnitudes(histogram);
  counts[0] = counts[1] ?? 0;
  let [best, least]: [Range, number] = [{ min, max }, Infinity];
  for (let bins = levels; bins <= counts.length; bins++) {
    const value = divergence(counts, bins);
    if (value >= least) continue;
    const threshold = (bins * largest) / counts.length;
    const range = { min: Math.max(min, -threshold), max: Math.min(max, threshold) };
    if (bins === counts.length || accept(range)) [best, least] = [range, value];
  }
  return best;
}

/** One decibel. */
const mostLoss = 10 ** 0.1;

/**
 * The same among ranges whose squared error is at most one decibel above that of the whole range, which is one of them.
 * Divergence looks at how often values come and not at how large they are: where they are few and far apart, as behind
 * an input of two values, cutting most of them off costs it nothing, and the network everything.
 */
export function boundedEntropyRange(histogram: Histogram, symmetric = false): Range {
  const most = squaredError(histogram, histogram, symmetric) * mostLoss;
  return entropyRange(histogram, (range) => squaredError(histogram, range, symmetric) <= most);
}

/** Mean squared error of rounding every bin's middle to i8 in a range. */
export function squaredError(histogram: Histogram, range: Range, symmetric: boolean): number {
  const { scale, zeroPoint } = quantizeAttrsOf(range, symmetric);
  const [width, total] = [widthOf(histogram), totalOf(histogram.counts)];
  let sum = 0;
  for (let bin = 0; bin < histogram.counts.length; bin++) {
    const x = histogram.min + (bin + 0.5) * width;
    const q = Math.min(Math.max(Math.round(x / scale) + zeroPoint, -128), 127);
    sum += (histogram.counts[bin] ?? 0) * ((q - zeroPoint) * scale - x) ** 2;
  }
  return sum / total;
}

const mseSteps = 100;

/** The range of least squared error: either end is drawn in by hundredths while the other stays, twice over. */
export function mseRange(histogram: Histogram, symmetric = false): Range {
  let best: Range = { min: Math.min(histogram.min, 0), max: Math.max(histogram.max, 0) };
  let least = squaredError(histogram, best, symmetric);
  const consider = (range: Range): void => {
    const error = squaredError(histogram, range, symmetric);
    if (error < least) [best, least] = [range, error];
  };
  for (let round = 0; round < 2; round++) {
    for (let step = 1; step < mseSteps; step++) consider({ ...best, max: (histogram.max * step) / mseSteps });
    for (let step = 1; step < mseSteps; step++) consider({ ...best, min: (histogram.min * step) / mseSteps });
  }
  return best;
}

/** The range of a method. A histogram without width, of a value that is always the same, keeps it. */
export function rangeOf(histogram: Histogram, method: CalibrationMethod, symmetric = false): Range {
  const { min, max } = histogram;
  if (max <= min || method.kind === 'min_max') return { min, max };
  if (method.kind === 'percentile') return percentileRange(histogram, method.share);
  return method.kind === 'entropy' ? boundedEntropyRange(histogram, symmetric) : mseRange(histogram, symmetric);
}
