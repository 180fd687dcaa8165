/** `hardSwish`: x * relu6(x + 3) / 6 (MobileNetV3, arXiv:1905.02244). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { hardGate } from './rules/clamp.ts';
import { lowInfinityIsNaN } from './rules/not-finite.ts';

export const hardSwish = unaryOp<NoAttrs>({
  name: 'hardSwish',
  summary: 'x * relu6(x + 3) / 6',
  map: () => (x) => (x === -Infinity ? Number.NaN : x <= -3 ? 0 : x >= 3 ? x : (x * (x + 3)) / 6),
  // -infinity times 0 is NaN, as in PyTorch.
  wgsl: (x) => lowInfinityIsNaN(`(${x} * clamp(${x} * (1.0 / 6.0) + 0.5, vec4f(), vec4f(1.0)))`, x),
  traits: { keepsZero: 'of all', clamp: () => hardGate(true) },
  samples: unarySamples({}),
});
