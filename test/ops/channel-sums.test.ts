import { describe, it } from 'vitest';
import { channelSums } from '../../compiler/ops/channel-sums.ts';
import { checkSamples, expectFault, expectTensor, f32 } from './check-op.ts';

describe('channelSums', () => {
  it('sums the gradient, and it times the distance from the mean', () => {
    const g = f32([2, 2, 1, 1], [1, 2, 3, 4]);
    const x = f32([2, 2, 1, 1], [5, 6, 7, 8]);
    const moments = f32([3, 2], [4, 7, 90, 91, 92, 93]);
    expectTensor(channelSums.evaluate([g, x, moments], {}), { shape: [2, 2], data: [4, 6, 1 * 1 + 3 * 3, -2 + 4] });
  });

  checkSamples(channelSums);

  it('refuses what does not fit', () => {
    const shapes = 'cannot sum f32[N, 3] over f32[N, 4]: the shapes differ';
    expectFault(channelSums, ['f32[N, 3]', 'f32[N, 4]', 'f32[3, 3]'], {}, 'E0303', shapes);
    const moments = 'the moments f32[2, 3] do not fit f32[N, 3]';
    expectFault(channelSums, ['f32[N, 3]', 'f32[N, 3]', 'f32[2, 3]'], {}, 'E0303', moments);
    expectFault(channelSums, ['f32[N, 3]', 'f32[N, 3]'], {}, 'E0314', 'cannot sum: operand 3 is missing');
  });
});
