/** `sqrt`: square root. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const sqrt = unaryOp<NoAttrs>({
  name: 'sqrt',
  summary: 'square root',
  map: () => (x) => Math.sqrt(x),
  wgsl: (x) => `sqrt(${x})`,
  samples: unarySamples({}, [0, 8]),
});
