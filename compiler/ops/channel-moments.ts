/** `channelMoments`: mean and variance of each channel over images and pixels, what batch normalisation trains on. */
import type { Op, Sample } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import type { NoAttrs } from './elementwise.ts';
import { channelElements } from './rules/channel-elements.ts';
import { expectAtMost, expectFloat, expectRankAtLeast, operand } from './rules/expect.ts';
import { float64Of } from './rules/storage.ts';

const action = 'take moments of';

/** `[N, C, ...]` to `[3, C]`: mean, variance, and variance times n / (n - 1) (the same where n is 1). */
function infer(inputs: readonly TensorType[]): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRankAtLeast(x, 2, action, '[N, C, ...]');
  return { dtype: 'f32', shape: [3, x.shape[1] ?? 1] };
}

// Two passes: the difference of large squares would lose what matters.
function evaluate(inputs: readonly Tensor[]): Tensor {
  infer(inputs);
  const x = operand(inputs, 0, action);
  const source = float64Of(x);
  const elements = channelElements(x.shape);
  const channels = elements.length;
  const data = new Float64Array(3 * channels);
  elements.forEach((offsets, c) => {
    const count = offsets.length;
    const mean = offsets.reduce((sum, at) => sum + (source[at] ?? 0), 0) / count;
    const squares = offsets.reduce((sum, at) => sum + ((source[at] ?? 0) - mean) ** 2, 0);
    data[c] = mean;
    data[channels + c] = squares / count;
    data[2 * channels + c] = squares / Math.max(1, count - 1);
  });
  return { dtype: 'f32', shape: [3, channels], data };
}

const sample = (
  name: string,
  shape: readonly number[],
  range: readonly [number, number] = [-1, 1],
): Sample<NoAttrs> => ({
  name,
  inputs: [{ shape, range }],
  attrs: {},
});

export const channelMoments: Op<NoAttrs> = {
  name: 'channelMoments',
  summary: 'mean, variance and unbiased variance of each channel',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    sample('aligned channels', [2, 8, 5, 7]),
    sample('unaligned channels', [3, 6, 4, 5]),
    sample('one channel', [2, 1, 9, 3]),
    sample('one element a channel', [1, 5, 1, 1]),
    sample('matrix', [17, 10]),
    sample('rank 3', [2, 5, 11]),
    sample('away from zero', [2, 4, 6, 6], [3, 4]),
    sample('many images', [70, 12, 3, 3]),
    sample('many pixels', [2, 3, 40, 33]),
  ],
};
