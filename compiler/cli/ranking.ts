/** From a classifier's scores to classes and probabilities. */

/** Indices of the largest values, the largest first; of equal ones, the lower index. NaN is never among them. */
export function topIndices(values: ArrayLike<number>, count: number): number[] {
  const best: number[] = [];
  for (let index = 0; index < values.length; index++) {
    const value = values[index] ?? Number.NaN;
    if (Number.isNaN(value)) continue;
    let at = best.length;
    while (at > 0 && value > (values[best[at - 1] ?? 0] ?? 0)) at--;
    if (at < count) best.splice(at, 0, index);
    if (best.length > count) best.pop();
  }
  return best;
}

/** exp(x - max) / sum, in float64. */
export function softmax(values: ArrayLike<number>): Float64Array {
  const result = Float64Array.from(values);
  const largest = result.reduce((most, value) => Math.max(most, value), -Infinity);
  let sum = 0;
  result.forEach((value, index) => (sum += result[index] = Math.exp(value - largest)));
  return result.map((value) => value / sum);
}
