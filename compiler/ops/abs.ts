/** `abs`: absolute value. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const abs = unaryOp<NoAttrs>({
  name: 'abs',
  summary: 'absolute value',
  map: () => (x) => Math.abs(x),
  wgsl: (x) => `abs(${x})`,
  traits: { keepsZero: 'of all', isCheap: true, isNotNegative: true },
  samples: unarySamples({}),
});
