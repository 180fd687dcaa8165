/** `elu`: x where positive, alpha * (exp(x) - 1) elsewhere (arXiv:1511.07289). */
import { unaryOp, unarySamples, wgslFloat } from './elementwise.ts';
import { keepNaN } from './rules/not-finite.ts';

export type EluAttrs = { readonly alpha: number };

export const elu = unaryOp<EluAttrs>({
  name: 'elu',
  summary: 'x where x > 0, alpha * (exp(x) - 1) elsewhere',
  map:
    ({ alpha }) =>
    (x) =>
      x > 0 ? x : alpha * Math.expm1(x),
  // Both sides of a select are computed, so the exponential gets no positive argument.
  wgsl: (x, { alpha }) =>
    keepNaN(`select((exp(min(${x}, vec4f())) - 1.0) * ${wgslFloat(alpha)}, ${x}, ${x} > vec4f())`, x),
  traits: { keepsZero: 'of all' },
  samples: unarySamples({ alpha: 1 }),
});
