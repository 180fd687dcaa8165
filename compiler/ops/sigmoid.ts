/** `sigmoid`: 1 / (1 + exp(-x)). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

// exp(88) is the last power below the largest f32; past it the quotient is below the smallest normal number.
export const sigmoid = unaryOp<NoAttrs>({
  name: 'sigmoid',
  summary: '1 / (1 + exp(-x))',
  map: () => (x) => 1 / (1 + Math.exp(-x)),
  wgsl: (x) => `(1.0 / (1.0 + exp(min(-${x}, vec4f(88.0)))))`,
  samples: unarySamples({}),
});
