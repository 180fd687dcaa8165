import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { subsample } from '../../compiler/ops/subsample.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  type,
} from './check-op.ts';

describe('subsample', () => {
  it('keeps every s-th row and column', () => {
    const y = subsample.evaluate([arange(1, 1, 3, 5)], { stride: [2, 3] });
    expectTensor(y, { shape: [1, 1, 2, 2], data: [0, 3, 10, 13] });
  });

  checkAgainstTorch(subsample, 'subsample');
  checkSamples(subsample);
  checkSymbolicBatch(subsample);

  it('halves symbolic sizes', () => {
    const result = subsample.infer([type('f32[N, 8, 4*H, 2*W]')], { stride: [2, 2] });
    expect(formatType(result)).toBe('f32[N, 8, 2*H, W]');
  });

  it('refuses what does not fit', () => {
    expectFault(
      subsample,
      ['f32[N, 4]'],
      { stride: [2, 2] },
      'E0301',
      'cannot subsample f32[N, 4]: its rank is 2, not 4',
    );
    const zero = 'stride must be an integer of at least 1, not 0';
    expectFault(subsample, ['f32[N, 4, 8, 8]'], { stride: [0, 2] }, 'E0310', zero);
    const step = 'cannot prove the height after a stride of 2 over f32[N, 4, H, 8]';
    expectFault(subsample, ['f32[N, 4, H, 8]'], { stride: [2, 2] }, 'E0309', step);
  });
});
