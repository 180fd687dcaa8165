/** The error function in float64 for the reference semantics of `gelu`, and in float32 for its WGSL. */

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

/**
 * Coefficients of P, log erfc(t / sqrt 2) = t * P(t) on 0 <= t <= 6: a minimax fit (Lawson's iteration) weighted
 * by the absolute error of erfc, which stays below 7e-8 in f32 (2e-9 from the fit, the rest from rounding).
 */
const logErfc = [
  -0.7978850699, -0.3183034631, -0.03636266798, 0.004836522152, -2.16200592e-5, -1.788964455e-4, 4.607771376e-5,
  -5.621318363e-6, 2.855319233e-7,
];

/** WGSL for erfc(t / sqrt 2), where `t` is an expression with values in [0, 6]. */
export function erfcExpression(t: string): string {
  const polynomial = logErfc.reduceRight((inner, c) => (inner === '' ? `vec4f(${c})` : `(${inner} * ${t} + ${c})`), '');
  return `exp(${t} * ${polynomial})`;
}
