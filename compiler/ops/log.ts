/** `log`: natural logarithm. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { negativeIsNaN } from './rules/not-finite.ts';

export const log = unaryOp<NoAttrs>({
  name: 'log',
  summary: 'natural logarithm',
  map: () => (x) => Math.log(x),
  wgsl: (x) => negativeIsNaN(`log(${x})`, x),
  traits: { isUnbounded: true },
  samples: unarySamples({}, [0.1, 8]),
});
