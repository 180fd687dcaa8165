/** `relu6`: min(max(x, 0), 6). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { cutTo } from './rules/clamp.ts';
import { keepNaN } from './rules/not-finite.ts';

export const relu6 = unaryOp<NoAttrs>({
  name: 'relu6',
  summary: 'min(max(x, 0), 6)',
  map: () => (x) => (x < 0 ? 0 : x > 6 ? 6 : x),
  wgsl: (x) => keepNaN(`clamp(${x}, vec4f(), vec4f(6.0))`, x),
  traits: { keepsZero: 'of all', isCheap: true, isNotNegative: true, clamp: () => cutTo(0, 6) },
  samples: unarySamples({}),
});
