/** `leakyRelu`: x where positive, alpha * x elsewhere. */
import { unaryOp, unarySamples, wgslFloat } from './elementwise.ts';

export type LeakyReluAttrs = { readonly alpha: number };

export const leakyRelu = unaryOp<LeakyReluAttrs>({
  name: 'leakyRelu',
  summary: 'x where x > 0, alpha * x elsewhere',
  map:
    ({ alpha }) =>
    (x) =>
      x > 0 ? x : alpha * x,
  wgsl: (x, { alpha }) => `select(${x} * ${wgslFloat(alpha)}, ${x}, ${x} > vec4f())`,
  traits: { keepsZero: 'of all', isHomogeneous: true },
  samples: unarySamples({ alpha: 0.01 }),
});
