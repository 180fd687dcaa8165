/** `neg`: -x. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';

export const neg = unaryOp<NoAttrs>({
  name: 'neg',
  summary: '-x',
  map: () => (x) => -x,
  wgsl: (x) => `(-${x})`,
  traits: { keepsZero: 'of all', isCheap: true },
  samples: unarySamples({}),
});
