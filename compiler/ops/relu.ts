/** `relu`: max(x, 0). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { cutTo } from './rules/clamp.ts';
import { reluText } from './rules/not-finite.ts';

export const relu = unaryOp<NoAttrs>({
  name: 'relu',
  summary: 'max(x, 0)',
  map: () => (x) => (x < 0 ? 0 : x),
  wgsl: reluText,
  traits: {
    keepsZero: 'of all',
    isCheap: true,
    isNotNegative: true,
    isHomogeneous: true,
    clamp: () => cutTo(0, Infinity),
  },
  samples: unarySamples({}),
});
