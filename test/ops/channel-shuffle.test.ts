import { describe, expect, it } from 'vitest';
import { channelShuffle } from '../../compiler/ops/channel-shuffle.ts';
import { reshape } from '../../compiler/ops/reshape.ts';
import { transpose } from '../../compiler/ops/transpose.ts';
import { arange, checkAgainstTorch, checkSamples, checkSymbolicBatch, expectFault, expectTensor } from './check-op.ts';

describe('channelShuffle', () => {
  it('interleaves the groups', () => {
    const y = channelShuffle.evaluate([arange(1, 6, 1, 1)], { groups: 2 });
    expectTensor(y, { shape: [1, 6, 1, 1], data: [0, 3, 1, 4, 2, 5] });
  });

  it('is a reshape, a transpose and a reshape', () => {
    const x = arange(2, 12, 2, 3);
    const split = reshape.evaluate([x], { shape: [2, 3, 4, 2, 3] });
    const swapped = transpose.evaluate([split], { permutation: [0, 2, 1, 3, 4] });
    expect(channelShuffle.evaluate([x], { groups: 3 })).toEqual(reshape.evaluate([swapped], { shape: [2, 12, 2, 3] }));
  });

  checkAgainstTorch(channelShuffle, 'channel-shuffle');
  checkSamples(channelShuffle);
  checkSymbolicBatch(channelShuffle);

  it('refuses what does not fit', () => {
    const remainder = '4 groups do not divide the 6 channels of f32[N, 6, 2, 2]';
    expectFault(channelShuffle, ['f32[N, 6, 2, 2]'], { groups: 4 }, 'E0304', remainder);
    const rank = 'cannot shuffle the channels of f32[N, 6]: its rank is 2, not 4';
    expectFault(channelShuffle, ['f32[N, 6]'], { groups: 2 }, 'E0301', rank);
    const zero = 'groups must be an integer of at least 1, not 0';
    expectFault(channelShuffle, ['f32[N, 6, 2, 2]'], { groups: 0 }, 'E0310', zero);
  });
});
