/** `sign`: -1, 0 or 1; the derivative of `abs`, 0 at 0. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const sign = unaryOp<NoAttrs>({
  name: 'sign',
  summary: '-1 where x < 0, 1 where x > 0, else 0',
  // 0 for NaN, as PyTorch's sign.
  map: () => (x) => (x > 0 ? 1 : x < 0 ? -1 : 0),
  wgsl: (x) => `select(select(vec4f(), vec4f(1.0), ${x} > vec4f()), vec4f(-1.0), ${x} < vec4f())`,
  traits: { keepsZero: 'of all' },
  samples: unarySamples({}),
});
