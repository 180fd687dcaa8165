/** `sigmoid`: 1 / (1 + exp(-x)). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { keepNaN } from './rules/not-finite.ts';

// exp(88) is the last power below the largest f32; past it the quotient is below the smallest normal number, so 0.
export const sigmoid = unaryOp<NoAttrs>({
  name: 'sigmoid',
  summary: '1 / (1 + exp(-x))',
  map: () => (x) => 1 / (1 + Math.exp(-x)),
  wgsl: (x) => keepNaN(`select(1.0 / (1.0 + exp(min(-${x}, vec4f(88.0)))), vec4f(), ${x} < vec4f(-88.0))`, x),
  traits: { isNotNegative: true },
  samples: unarySamples({}),
});
