/** `geluGrad`: Phi(x) + x * phi(x), the derivative of `gelu`, of the normal distribution's two functions. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { erfc, erfcExpression } from './erf.ts';
import { infinityIsNaN } from './rules/not-finite.ts';

const rootTwoPi = Math.sqrt(2 * Math.PI);

// At 13 both terms have reached their limits in f32, and no square or exponential overflows before.
const limit = 13;

function geluGradAt(x: number): number {
  // Infinity times a density of 0, as in PyTorch.
  if (!Number.isFinite(x)) return Number.NaN;
  const bounded = Math.min(Math.max(x, -40), 40);
  return erfc(-bounded / Math.SQRT2) / 2 + (bounded * Math.exp((-bounded * bounded) / 2)) / rootTwoPi;
}

// Phi(x) = 1 - erfc(x / sqrt 2) / 2 on the positive side, erfc(-x / sqrt 2) / 2 on the other: no cancellation.
function geluGradExpression(x: string): string {
  const tail = `0.5 * ${erfcExpression(`min(abs(${x}), vec4f(6.0))`)}`;
  const z = `clamp(${x}, vec4f(-${limit}.0), vec4f(${limit}.0))`;
  const slope = `${z} * exp(-0.5 * ${z} * ${z}) * ${1 / rootTwoPi}`;
  return infinityIsNaN(`(select(${tail}, 1.0 - ${tail}, ${x} > vec4f()) + ${slope})`, x);
}

export const geluGrad = unaryOp<NoAttrs>({
  name: 'geluGrad',
  summary: 'Phi(x) + x * phi(x), the derivative of gelu',
  map: () => geluGradAt,
  wgsl: geluGradExpression,
  samples: unarySamples({}),
});
