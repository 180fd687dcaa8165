/** What layer and group normalisation share: consecutive runs of elements brought to mean 0 and variance 1. */
import { OpError } from '../../ir/op.ts';

export function expectEps(eps: number): void {
  if (eps >= 0 && eps < Infinity) return;
  throw new OpError('E0310', `eps must be a number of at least 0, not ${String(eps)}`);
}

/** Each of `count` equal runs as `(x - mean) / sqrt(variance + eps)`; the variance divides by n, not by n - 1. */
export function standardise(source: Float64Array, count: number, eps: number): Float64Array {
  const size = source.length / count;
  const data = new Float64Array(source.length);
  for (let start = 0; start < source.length; start += size) {
    const end = start + size;
    let sum = 0;
    for (let at = start; at < end; at++) sum += source[at] ?? 0;
    const mean = sum / size;
    let squares = 0;
    for (let at = start; at < end; at++) squares += ((source[at] ?? 0) - mean) ** 2;
    const scale = 1 / Math.sqrt(squares / size + eps);
    for (let at = start; at < end; at++) data[at] = ((source[at] ?? 0) - mean) * scale;
  }
  return data;
}
