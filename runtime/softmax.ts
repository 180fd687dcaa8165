/** From scores to probabilities. */

/** exp(x - max) / sum, in float64. */
export function softmax(values: ArrayLike<number>): Float64Array {
  const result = Float64Array.from(values);
  const largest = result.reduce((most, value) => Math.max(most, value), -Infinity);
  let sum = 0;
  result.forEach((value, index) => (sum += result[index] = Math.exp(value - largest)));
  return result.map((value) => value / sum);
}
