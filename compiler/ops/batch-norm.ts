/** `batchNorm`: inference form, `(x - mean) / sqrt(variance + eps) * gamma + beta` (Ioffe and Szegedy 2015). */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectChannels, expectFloat, expectRankAtLeast, operand } from './rules/expect.ts';
import { float64Of } from './rules/storage.ts';

export type BatchNormAttrs = {
  readonly eps: number;
  /** Weight of a new batch in the running statistics; of no meaning outside training. */
  readonly momentum: number;
};

const action = 'normalise';
const parameters = ['gamma', 'beta', 'mean', 'variance'] as const;

function infer(inputs: readonly TensorType[], attrs: BatchNormAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 5, action);
  expectFloat(inputs, action);
  expectRankAtLeast(x, 2, action, '[N, C, ...]');
  if (!(attrs.eps >= 0 && attrs.eps < Infinity)) {
    throw new OpError('E0310', `eps must be a number of at least 0, not ${String(attrs.eps)}`);
  }
  if (!(attrs.momentum >= 0 && attrs.momentum <= 1)) {
    throw new OpError('E0310', `momentum must lie between 0 and 1, not ${String(attrs.momentum)}`);
  }
  parameters.forEach((name, index) => {
    expectChannels(operand(inputs, index + 1, action), x.shape[1] ?? 1, name, index + 1);
  });
  return x;
}

function evaluate(inputs: readonly Tensor[], attrs: BatchNormAttrs): Tensor {
  infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const [source = new Float64Array(0), gamma, beta, mean, variance] = inputs.map(float64Of);
  const [batch = 1, channels = 1, ...rest] = x.shape;
  const plane = elementCount(rest);
  const result = new Float64Array(source.length);
  for (let index = 0, at = 0; index < batch * channels; index++) {
    const channel = index % channels;
    const scale = (gamma?.[channel] ?? 1) / Math.sqrt((variance?.[channel] ?? 1) + attrs.eps);
    const centre = mean?.[channel] ?? 0;
    const shift = beta?.[channel] ?? 0;
    for (const end = at + plane; at < end; at++) result[at] = ((source[at] ?? 0) - centre) * scale + shift;
  }
  return { dtype: 'f32', shape: x.shape, data: result };
}

function sample(name: string, shape: readonly number[], eps = 1e-5): Sample<BatchNormAttrs> {
  const [, channels = 1] = shape;
  const perChannel = { shape: [channels], constant: true } as const;
  const inputs = [{ shape }, perChannel, perChannel, perChannel, { ...perChannel, range: [0.1, 2] } as const];
  return { name, inputs, attrs: { eps, momentum: 0.1 } };
}

export const batchNorm: Op<BatchNormAttrs> = {
  name: 'batchNorm',
  summary: 'batch normalisation by running statistics',
  operands: ['x', 'gamma', 'beta', 'mean', 'variance'],
  infer,
  evaluate,
  traits: { kind: 'norm', scalesChannels: true },
  samples: [
    sample('aligned', [2, 8, 4, 4]),
    sample('unaligned', [2, 6, 3, 5]),
    sample('one channel', [1, 1, 5, 4]),
    sample('three channels', [2, 3, 4, 3]),
    sample('large eps', [1, 5, 3, 3], 0.001),
    sample('matrix', [3, 7]),
  ],
};
