/** `channelSums`: what the gradient of batch normalisation sums over images and pixels, one column a channel. */
import { shapesEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import type { NoAttrs } from './elementwise.ts';
import { channelElements } from './rules/channel-elements.ts';
import { expectAtMost, expectFloat, expectRankAtLeast, operand } from './rules/expect.ts';
import { float64Of } from './rules/storage.ts';

const action = 'sum';

/** g and x `[N, C, ...]`, moments `[3, C]`, to `[2, C]`: the sums of g and of g * (x - mean). */
function infer(inputs: readonly TensorType[]): TensorType {
  const [g, x, moments] = [0, 1, 2].map((index) => operand(inputs, index, action));
  expectAtMost(inputs, 3, action);
  expectFloat(inputs, action);
  if (!g || !x || !moments) throw new OpError('E0314', 'cannot sum without three operands');
  expectRankAtLeast(g, 2, action, '[N, C, ...]');
  if (!shapesEqual(g.shape, x.shape)) {
    throw new OpError('E0303', `cannot sum ${formatType(g)} over ${formatType(x)}: the shapes differ`, { input: 1 });
  }
  const channels = g.shape[1] ?? 1;
  if (!shapesEqual(moments.shape, [3, channels])) {
    const message = `the moments ${formatType(moments)} do not fit ${formatType(x)}`;
    throw new OpError('E0303', message, { help: 'the shape must be [3, C]', input: 2 });
  }
  return { dtype: 'f32', shape: [2, channels] };
}

function evaluate(inputs: readonly Tensor[]): Tensor {
  infer(inputs);
  const [g, x] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  const [gradient, source, moments] = [float64Of(g), float64Of(x), float64Of(operand(inputs, 2, action))];
  const elements = channelElements(g.shape);
  const channels = elements.length;
  const data = new Float64Array(2 * channels);
  elements.forEach((offsets, c) => {
    const mean = moments[c] ?? 0;
    for (const at of offsets) {
      const value = gradient[at] ?? 0;
      data[c] = (data[c] ?? 0) + value;
      data[channels + c] = (data[channels + c] ?? 0) + value * ((source[at] ?? 0) - mean);
    }
  });
  return { dtype: 'f32', shape: [2, channels], data };
}

const sample = (name: string, shape: readonly number[]): Sample<NoAttrs> => ({
  name,
  inputs: [{ shape }, { shape, range: [-2, 2] }, { shape: [3, shape[1] ?? 1] }],
  attrs: {},
});

export const channelSums: Op<NoAttrs> = {
  name: 'channelSums',
  summary: 'sums of a gradient, and of it times the distance from the mean, over each channel',
  operands: ['g', 'x', 'moments'],
  infer,
  evaluate,
  samples: [
    sample('aligned channels', [2, 8, 5, 7]),
    sample('unaligned channels', [3, 6, 4, 5]),
    sample('one channel', [2, 1, 9, 3]),
    sample('one element a channel', [1, 5, 1, 1]),
    sample('matrix', [17, 10]),
    sample('rank 3', [2, 5, 11]),
    sample('many images', [70, 12, 3, 3]),
    sample('many pixels', [2, 3, 40, 33]),
  ],
};
