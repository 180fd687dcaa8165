/** `hardSigmoid`: relu6(x + 3) / 6, the slope of PyTorch and MobileNetV3. */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { hardGate } from './rules/clamp.ts';
import { keepNaN } from './rules/not-finite.ts';

export const hardSigmoid = unaryOp<NoAttrs>({
  name: 'hardSigmoid',
  summary: 'relu6(x + 3) / 6',
  map: () => (x) => (x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 0.5),
  wgsl: (x) => keepNaN(`clamp(${x} * (1.0 / 6.0) + 0.5, vec4f(), vec4f(1.0))`, x),
  traits: { isNotNegative: true, clamp: () => hardGate(false) },
  samples: unarySamples({}),
});
