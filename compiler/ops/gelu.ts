/** `gelu`: x * Phi(x) in the exact form of erf (arXiv:1606.08415; PyTorch's default). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { erfc } from './erf.ts';

/**
 * Coefficients of P, log erfc(t / sqrt 2) = t * P(t) on 0 <= t <= 6: a minimax fit (Lawson's iteration) weighted
 * by the absolute error of erfc, which stays below 7e-8 in f32 (2e-9 from the fit, the rest from rounding).
 */
const logErfc = [
  -0.7978850699, -0.3183034631, -0.03636266798, 0.004836522152, -2.16200592e-5, -1.788964455e-4, 4.607771376e-5,
  -5.621318363e-6, 2.855319233e-7,
];

// gelu(x) = max(x, 0) - |x| * erfc(|x| / sqrt 2) / 2 has no cancellation on either side; beyond 6 the product is 0 in f32
// next to x, and below 1e-8 on the negative side.
function geluExpression(x: string): string {
  const t = `min(abs(${x}), vec4f(6.0))`;
  const polynomial = logErfc.reduceRight((inner, c) => (inner === '' ? `vec4f(${c})` : `(${inner} * ${t} + ${c})`), '');
  return `(max(${x}, vec4f()) - 0.5 * ${t} * exp(${t} * ${polynomial}))`;
}

export const gelu = unaryOp<NoAttrs>({
  name: 'gelu',
  summary: 'x * Phi(x), in the exact form of erf',
  map: () => (x) => (x === Number.POSITIVE_INFINITY ? x : (x * erfc(-x / Math.SQRT2)) / 2),
  wgsl: geluExpression,
  samples: unarySamples({}),
});
