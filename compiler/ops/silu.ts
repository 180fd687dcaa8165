/** `silu`: x * sigmoid(x). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { lowInfinityIsNaN } from './rules/not-finite.ts';

// exp(88) is the last power below the largest f32; past it the quotient is below the smallest normal number.
export const silu = unaryOp<NoAttrs>({
  name: 'silu',
  summary: 'x * sigmoid(x)',
  map: () => (x) => x / (1 + Math.exp(-x)),
  // -infinity over infinity is NaN, as in PyTorch.
  wgsl: (x) => lowInfinityIsNaN(`(max(${x}, vec4f(-88.0)) / (1.0 + exp(-max(${x}, vec4f(-88.0)))))`, x),
  traits: { keepsZero: 'of all' },
  samples: unarySamples({}),
});
