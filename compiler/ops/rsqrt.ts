/** `rsqrt`: 1 / sqrt(x). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const rsqrt = unaryOp<NoAttrs>({
  name: 'rsqrt',
  summary: '1 / sqrt(x)',
  map: () => (x) => 1 / Math.sqrt(x),
  wgsl: (x) => `inverseSqrt(${x})`,
  traits: { isUnbounded: true, isCheap: true },
  samples: unarySamples({}, [0.1, 8]),
});
