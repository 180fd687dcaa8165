import { describe, expect, it } from 'vitest';
import { channelMoments } from '../../compiler/ops/channel-moments.ts';
import { checkSamples, expectFault, expectTensor, f32, noise } from './check-op.ts';

describe('channelMoments', () => {
  it('gives mean, variance and unbiased variance', () => {
    const x = f32([2, 2, 2], [1, 2, 10, 10, 3, 6, 10, 10]);
    expectTensor(channelMoments.evaluate([x], {}), { shape: [3, 2], data: [3, 10, 3.5, 0, 14 / 3, 0] });
  });

  it('keeps the variance where one element is all', () => {
    expectTensor(channelMoments.evaluate([f32([1, 2], [4, -2])], {}), { shape: [3, 2], data: [4, -2, 0, 0, 0, 0] });
  });

  it('loses nothing of a small variance around a large mean', () => {
    const small = noise([4, 3, 5, 5], 1);
    const large = f32(
      small.shape,
      small.data.map((value: number) => value + 2 ** 20),
    );
    const [a, b] = [small, large].map((x) => channelMoments.evaluate([x], {}).data);
    for (let at = 3; at < 9; at++) expect(Math.abs((a?.[at] ?? 0) - (b?.[at] ?? 1))).toBeLessThan(1e-9);
  });

  checkSamples(channelMoments);

  it('refuses what does not fit', () => {
    const rank = 'cannot take moments of f32[3]: its rank is 1, less than 2';
    expectFault(channelMoments, ['f32[3]'], {}, 'E0301', rank);
  });
});
