/** The error function in float64, for the reference semantics of `gelu`. */

const twoOverRootPi = 2 / Math.sqrt(Math.PI);

/** erf(x) to a few float64 ulp, for |x| < 3: the all-positive series (Abramowitz and Stegun 7.1.6). */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return twoOverRootPi * Math.exp(-x * x) * sum;
}

/** erfc(x) for x >= 2: the continued fraction (Abramowitz and Stegun 7.1.14), evaluated from its tail. */
function erfcFraction(x: number): number {
  let tail = x;
  for (let k = 60; k >= 1; k--) tail = x + k / 2 / tail;
  return Math.exp(-x * x) / (Math.sqrt(Math.PI) * tail);
}

/** 1 - erf(x), without cancellation for large x. */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  return x < 2 ? 1 - erfSeries(x) : erfcFraction(x);
}
