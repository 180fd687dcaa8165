/** `tanh`: hyperbolic tangent. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { keepNaN } from './rules/not-finite.ts';

// WGSL lets tanh be sinh/cosh, which overflow; 1 - tanh(10) is below half an ulp of 1.
export const tanh = unaryOp<NoAttrs>({
  name: 'tanh',
  summary: 'hyperbolic tangent',
  map: () => (x) => Math.tanh(x),
  wgsl: (x) => keepNaN(`tanh(clamp(${x}, vec4f(-10.0), vec4f(10.0)))`, x),
  traits: { keepsZero: 'of all' },
  samples: unarySamples({}),
});
