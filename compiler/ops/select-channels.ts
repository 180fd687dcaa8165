/** `selectChannels`: channel i of the result is channel `indices[i]` of the operand, or zeros for an index of -1. */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectInteger, expectRankAtLeast, operand } from './rules/expect.ts';
import { allocate } from './rules/storage.ts';

export type SelectChannelsAttrs = {
  /** At least one; an index may occur several times, and -1 is a channel of zeros. */
  readonly indices: readonly number[];
};

const action = 'select channels of';

function infer(inputs: readonly TensorType[], { indices }: SelectChannelsAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectRankAtLeast(x, 2, action, '[N, C, ...]');
  if (!Array.isArray(indices) || indices.length === 0) throw new OpError('E0310', 'indices must be a list of integers');
  const [, channels = 1] = x.shape;
  for (const index of indices) {
    expectInteger(index, -1, 'an index');
    if (index < 0 || (typeof channels === 'number' && index < channels)) continue;
    throw new OpError('E0313', `cannot select channel ${index} of ${formatType(x)}`);
  }
  return { dtype: x.dtype, shape: x.shape.with(1, indices.length) };
}

function evaluate(inputs: readonly Tensor[], attrs: SelectChannelsAttrs): Tensor {
  infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const [batch = 1, channels = 1, ...rest] = x.shape;
  const { indices } = attrs;
  const plane = elementCount(rest);
  const data = allocate(x.dtype, batch * indices.length * plane);
  for (let image = 0; image < batch; image++) {
    for (const [channel, index] of indices.entries()) {
      if (index < 0) continue;
      const from = (image * channels + index) * plane;
      const to = (image * indices.length + channel) * plane;
      for (let at = 0; at < plane; at++) data[to + at] = x.data[from + at] ?? 0;
    }
  }
  return { dtype: x.dtype, shape: x.shape.with(1, indices.length), data };
}

const sample = (name: string, shape: readonly number[], indices: readonly number[]): Sample<SelectChannelsAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { indices },
});

export const selectChannels: Op<SelectChannelsAttrs> = {
  name: 'selectChannels',
  summary: 'channels by their indices, -1 for zeros',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move', isMovement: true },
  samples: [
    sample('permuted', [2, 8, 3, 4], [3, 0, 7, 1, 6, 2, 5, 4]),
    sample('fewer', [1, 10, 3, 3], [9, 2, 4]),
    sample('with zeros', [2, 6, 2, 3], [-1, 5, -1, 0, 2, -1, -1, 3, -1]),
    sample('repeated', [1, 3, 4, 4], [2, 2, 0, 2, 1]),
    sample('all zeros', [2, 5, 2, 2], [-1, -1]),
    sample('in order', [1, 5, 3, 3], [0, 1, 2, 3, 4]),
    sample('matrix', [3, 9], [8, 1, -1, 1, 5]),
    sample('rank 3', [2, 6, 5], [4, 0, 3]),
    sample('rank 5', [1, 4, 2, 3, 2], [3, -1, 1]),
  ],
};
