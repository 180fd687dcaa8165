/** `batchNormTraining`: batch normalisation by the moments of the batch itself (Ioffe and Szegedy 2015). */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { dimsEqual } from '../ir/dim.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectChannels, expectFloat, expectRank, expectRankAtLeast, operand } from './rules/expect.ts';
import { expectEps } from './rules/normalise.ts';
import { float64Of } from './rules/storage.ts';

export type BatchNormTrainingAttrs = { readonly eps: number };

const action = 'normalise';

function infer(inputs: readonly TensorType[], attrs: BatchNormTrainingAttrs): TensorType {
  const x = operand(inputs, 0, action);
  const moments = operand(inputs, 1, action);
  expectAtMost(inputs, 4, action);
  expectFloat(inputs, action);
  expectRankAtLeast(x, 2, action, '[N, C, ...]');
  expectEps(attrs.eps);
  const channels = x.shape[1] ?? 1;
  expectRank(moments, 2, `${action} by`, '[3, C]', 1);
  if (!dimsEqual(moments.shape[0] ?? 0, 3) || !dimsEqual(moments.shape[1] ?? 0, channels)) {
    throw new OpError('E0303', `the moments ${formatType(moments)} do not fit ${formatType(x)}`, { input: 1 });
  }
  expectChannels(operand(inputs, 2, action), channels, 'gamma', 2);
  expectChannels(operand(inputs, 3, action), channels, 'beta', 3);
  return x;
}

function evaluate(inputs: readonly Tensor[], attrs: BatchNormTrainingAttrs): Tensor {
  infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const [source = new Float64Array(0), moments, gamma, beta] = inputs.map(float64Of);
  const [batch = 1, channels = 1, ...rest] = x.shape;
  const plane = elementCount(rest);
  const result = new Float64Array(source.length);
  for (let index = 0, at = 0; index < batch * channels; index++) {
    const channel = index % channels;
    const centre = moments?.[channel] ?? 0;
    const scale = (gamma?.[channel] ?? 1) / Math.sqrt((moments?.[channels + channel] ?? 1) + attrs.eps);
    const shift = beta?.[channel] ?? 0;
    for (const end = at + plane; at < end; at++) result[at] = ((source[at] ?? 0) - centre) * scale + shift;
  }
  return { dtype: 'f32', shape: x.shape, data: result };
}

function sample(name: string, shape: readonly number[], eps = 1e-5): Sample<BatchNormTrainingAttrs> {
  const [, channels = 1] = shape;
  const perChannel = { shape: [channels] } as const;
  const inputs = [{ shape }, { shape: [3, channels], range: [0.1, 2] } as const, perChannel, perChannel];
  return { name, inputs, attrs: { eps } };
}

/**
 * `(x - mean) / sqrt(variance + eps) * gamma + beta` with the rows mean and biased variance of `moments`, which must be
 * `channelMoments(x)`. The gradient of x therefore holds the path through the moments, and that operand has none.
 */
export const batchNormTraining: Op<BatchNormTrainingAttrs> = {
  name: 'batchNormTraining',
  summary: 'batch normalisation by the moments of the batch, `channelMoments(x)`',
  operands: ['x', 'moments', 'gamma', 'beta'],
  infer,
  evaluate,
  samples: [
    sample('aligned', [2, 8, 4, 4]),
    sample('unaligned', [2, 6, 3, 5]),
    sample('one channel', [3, 1, 5, 4]),
    sample('three channels', [2, 3, 4, 3]),
    sample('large eps', [1, 5, 3, 3], 0.001),
    sample('matrix', [3, 7]),
  ],
};
