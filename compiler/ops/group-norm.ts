/** `groupNorm`: each image's channels, in groups, to mean 0 and variance 1, then scaled and shifted (Wu and He 2018). */
import { divideDimExactly, formatDim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import {
  expectAtMost,
  expectChannels,
  expectFloat,
  expectInteger,
  expectRankAtLeast,
  operand,
} from './rules/expect.ts';
import { expectEps, standardise } from './rules/normalise.ts';
import { float64Of } from './rules/storage.ts';

export type GroupNormAttrs = { readonly groups: number; readonly eps: number };

const action = 'normalise';

function infer(inputs: readonly TensorType[], { groups, eps }: GroupNormAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 3, action);
  expectFloat(inputs, action);
  expectRankAtLeast(x, 2, action, '[N, C, ...]');
  expectInteger(groups, 1, 'groups');
  expectEps(eps);
  const [, channels = 1] = x.shape;
  if (divideDimExactly(channels, groups) === undefined) {
    const message = `${groups} groups do not divide the ${formatDim(channels)} channels of ${formatType(x)}`;
    throw new OpError('E0304', message, { input: 0 });
  }
  expectChannels(operand(inputs, 1, action), channels, 'gamma', 1);
  expectChannels(operand(inputs, 2, action), channels, 'beta', 2);
  return x;
}

function evaluate(inputs: readonly Tensor[], attrs: GroupNormAttrs): Tensor {
  infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const [source = new Float64Array(0), gamma, beta] = inputs.map(float64Of);
  const [batch = 1, channels = 1, ...rest] = x.shape;
  const plane = elementCount(rest);
  const data = standardise(source, batch * attrs.groups, attrs.eps);
  for (let index = 0, at = 0; index < batch * channels; index++) {
    const [scale, shift] = [gamma?.[index % channels] ?? 1, beta?.[index % channels] ?? 0];
    for (const end = at + plane; at < end; at++) data[at] = (data[at] ?? 0) * scale + shift;
  }
  return { dtype: 'f32', shape: x.shape, data };
}

function sample(name: string, shape: readonly number[], groups: number, eps = 1e-5): Sample<GroupNormAttrs> {
  const perChannel = { shape: [shape[1] ?? 1], constant: true } as const;
  return { name, inputs: [{ shape, range: [-1, 3] }, perChannel, perChannel], attrs: { groups, eps } };
}

export const groupNorm: Op<GroupNormAttrs> = {
  name: 'groupNorm',
  summary: 'mean 0 and variance 1 over groups of channels of each image, then scale and shift',
  operands: ['x', 'gamma', 'beta'],
  infer,
  evaluate,
  traits: { kind: 'norm', scalesChannels: true },
  samples: [
    sample('aligned', [2, 16, 4, 5], 4),
    sample('groups of three', [1, 12, 3, 5], 4),
    sample('groups of six', [2, 18, 4, 3], 3),
    sample('groups of two', [1, 10, 3, 3], 5),
    sample('one group', [2, 7, 5, 4], 1),
    sample('a group a channel', [2, 6, 4, 4], 6),
    sample('one channel', [1, 1, 6, 5], 1),
    sample('many pixels', [1, 8, 23, 19], 2),
    sample('large eps', [1, 8, 3, 3], 2, 0.5),
    sample('matrix', [3, 10], 1),
    sample('many columns', [2, 517], 1),
    sample('rank 3', [2, 6, 7], 2),
  ],
};
