import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { pixelShuffle } from '../../compiler/ops/pixel-shuffle.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  type,
} from './check-op.ts';

describe('pixelShuffle', () => {
  it('spreads four channels over two by two pixels', () => {
    const y = pixelShuffle.evaluate([arange(1, 4, 1, 2)], { factor: 2 });
    expectTensor(y, { shape: [1, 1, 2, 4], data: [0, 2, 1, 3, 4, 6, 5, 7] });
  });

  checkAgainstTorch(pixelShuffle, 'pixel-shuffle');
  checkSamples(pixelShuffle);
  checkSymbolicBatch(pixelShuffle);

  it('keeps symbolic sizes', () => {
    const result = pixelShuffle.infer([type('f32[N, 12, H, 2*W]')], { factor: 2 });
    expect(formatType(result)).toBe('f32[N, 3, 2*H, 4*W]');
  });

  it('refuses what does not fit', () => {
    const uneven = '2 * 2 does not divide the 6 channels of f32[N, 6, 3, 3]';
    expectFault(pixelShuffle, ['f32[N, 6, 3, 3]'], { factor: 2 }, 'E0304', uneven);
    const rank = 'cannot shuffle the pixels of f32[N, 4]: its rank is 2, not 4';
    expectFault(pixelShuffle, ['f32[N, 4]'], { factor: 2 }, 'E0301', rank);
    const zero = 'factor must be an integer of at least 1, not 0';
    expectFault(pixelShuffle, ['f32[N, 4, 3, 3]'], { factor: 0 }, 'E0310', zero);
  });
});
