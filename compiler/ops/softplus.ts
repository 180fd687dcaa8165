/** `softplus`: log(1 + exp(x)). */
import { unaryOp, unarySamples, type NoAttrs } from './elementwise.ts';
import { keepNaN } from './rules/not-finite.ts';

// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), whose exponential cannot overflow.
export const softplus = unaryOp<NoAttrs>({
  name: 'softplus',
  summary: 'log(1 + exp(x))',
  map: () => (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  wgsl: (x) => keepNaN(`(max(${x}, vec4f()) + log(1.0 + exp(-min(abs(${x}), vec4f(88.0)))))`, x),
  traits: { isNotNegative: true },
  samples: unarySamples({}),
});
