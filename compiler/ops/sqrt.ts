/** `sqrt`: square root. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const sqrt = unaryOp<NoAttrs>({
  name: 'sqrt',
  summary: 'square root',
  map: () => (x) => Math.sqrt(x),
  wgsl: (x) => `sqrt(${x})`,
  traits: { keepsZero: 'of all', isUnbounded: true, isCheap: true, isNotNegative: true },
  samples: unarySamples({}, [0, 8]),
});
