/** `sign`: -1, 0 or 1; the derivative of `abs`, 0 at 0. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const sign = unaryOp<NoAttrs>({
  name: 'sign',
  summary: '-1 where x < 0, 1 where x > 0, else 0',
  map: () => Math.sign,
  wgsl: (x) => `sign(${x})`,
  samples: unarySamples({}),
});
