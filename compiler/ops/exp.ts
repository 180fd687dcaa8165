/** `exp`: e to the power of x. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { keepNaN } from './rules/not-finite.ts';

export const exp = unaryOp<NoAttrs>({
  name: 'exp',
  summary: 'e to the power of x',
  map: () => (x) => Math.exp(x),
  wgsl: (x) => keepNaN(`exp(${x})`, x),
  traits: { isUnbounded: true, isNotNegative: true },
  samples: unarySamples({}),
});
