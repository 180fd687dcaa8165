/** `mish`: x * tanh(softplus(x)) (Misra 2019, arXiv:1908.08681). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { lowInfinityIsNaN } from './rules/not-finite.ts';

// With e = exp(x), tanh(log(1 + e)) = n / (n + 2) where n = e * (e + 2), which has no cancellation on either side. Above 20
// the quotient is 1 in f32; below -80 the product is under 1e-32, and exp(-80) is still a normal number.
function mishExpression(x: string): string {
  const e = `exp(clamp(${x}, vec4f(-80.0), vec4f(20.0)))`;
  return lowInfinityIsNaN(`(max(${x}, vec4f(-80.0)) / (1.0 + 2.0 / (${e} * (${e} + 2.0))))`, x);
}

export const mish = unaryOp<NoAttrs>({
  name: 'mish',
  summary: 'x * tanh(softplus(x))',
  // -infinity times 0 is NaN, as in PyTorch.
  map: () => (x) => x * Math.tanh(Math.log1p(Math.exp(x))),
  wgsl: mishExpression,
  traits: { keepsZero: 'of all' },
  samples: unarySamples({}),
});
