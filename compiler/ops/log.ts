/** `log`: natural logarithm. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const log = unaryOp<NoAttrs>({
  name: 'log',
  summary: 'natural logarithm',
  map: () => (x) => Math.log(x),
  wgsl: (x) => `log(${x})`,
  samples: unarySamples({}, [0.1, 8]),
});
