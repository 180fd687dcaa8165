/** `gelu`: x * Phi(x) in the exact form of erf (arXiv:1606.08415; PyTorch's default). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { erfc, erfcExpression } from './erf.ts';
import { lowInfinityIsNaN } from './rules/not-finite.ts';

// gelu(x) = max(x, 0) - |x| * erfc(|x| / sqrt 2) / 2 has no cancellation on either side; beyond 6 the product is 0 in f32
// next to x, and below 1e-8 on the negative side.
function geluExpression(x: string): string {
  const t = `min(abs(${x}), vec4f(6.0))`;
  return lowInfinityIsNaN(`(max(${x}, vec4f()) - 0.5 * ${t} * ${erfcExpression(t)})`, x);
}

export const gelu = unaryOp<NoAttrs>({
  name: 'gelu',
  summary: 'x * Phi(x), in the exact form of erf',
  map: () => (x) => (x === Number.POSITIVE_INFINITY ? x : (x * erfc(-x / Math.SQRT2)) / 2),
  wgsl: geluExpression,
  traits: { keepsZero: 'of all' },
  samples: unarySamples({}),
});
