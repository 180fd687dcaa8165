/** `channelShuffle`: channel `g*(C/groups) + c` moves to `c*groups + g` (Zhang et al. 2018, ShuffleNet). */
import { divideDimExactly, formatDim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectInteger, expectRank, operand } from './rules/expect.ts';
import { gather } from './rules/storage.ts';

export type ChannelShuffleAttrs = { readonly groups: number };

const action = 'shuffle the channels of';

function infer(inputs: readonly TensorType[], attrs: ChannelShuffleAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  expectInteger(attrs.groups, 1, 'groups');
  const [, channels = 1] = x.shape;
  if (divideDimExactly(channels, attrs.groups) === undefined) {
    const message = `${attrs.groups} groups do not divide the ${formatDim(channels)} channels of ${formatType(x)}`;
    throw new OpError('E0304', message, { input: 0 });
  }
  return x;
}

/** `[N, g, C/g, H*W]` read as `[N, C/g, g, H*W]`. */
function evaluate(inputs: readonly Tensor[], attrs: ChannelShuffleAttrs): Tensor {
  infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  const plane = height * width;
  const size = channels / attrs.groups;
  const shuffled = gather(x, [batch, size, attrs.groups, plane], [channels * plane, plane, size * plane, 1]);
  return { ...shuffled, shape: x.shape };
}

const sample = (name: string, shape: readonly number[], groups: number): Sample<ChannelShuffleAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { groups },
});

export const channelShuffle: Op<ChannelShuffleAttrs> = {
  name: 'channelShuffle',
  summary: 'interleaves the channels of groups',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move', isMovement: true },
  samples: [
    sample('two aligned groups', [2, 8, 3, 4], 2),
    sample('two unaligned groups', [2, 6, 3, 3], 2),
    sample('two odd groups', [1, 58, 2, 3], 2),
    sample('three groups', [1, 12, 3, 2], 3),
    sample('five groups of two', [2, 10, 2, 2], 5),
    sample('one group', [1, 5, 3, 3], 1),
    sample('one channel a group', [1, 7, 2, 3], 7),
  ],
};
