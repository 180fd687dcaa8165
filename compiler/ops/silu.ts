/** `silu`: x * sigmoid(x). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const silu = unaryOp<NoAttrs>({
  name: 'silu',
  summary: 'x * sigmoid(x)',
  map: () => (x) => x / (1 + Math.exp(-x)),
  wgsl: (x) => `(${x} / (1.0 + exp(min(-${x}, vec4f(88.0)))))`,
  samples: unarySamples({}),
});
