import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { adaptiveAveragePool2d } from '../../compiler/ops/adaptive-average-pool2d.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  type,
} from './check-op.ts';

describe('adaptiveAveragePool2d', () => {
  it('lets windows overlap where the size does not divide', () => {
    const y = adaptiveAveragePool2d.evaluate([arange(1, 1, 1, 5)], { size: [1, 3] });
    expectTensor(y, { shape: [1, 1, 1, 3], data: [0.5, 2, 3.5] });
  });

  checkAgainstTorch(adaptiveAveragePool2d, 'adaptive-average-pool2d');
  checkSamples(adaptiveAveragePool2d);
  checkSymbolicBatch(adaptiveAveragePool2d);

  it('needs no fixed size', () => {
    const result = adaptiveAveragePool2d.infer([type('f32[N, 8, H, W]')], { size: [6, 6] });
    expect(formatType(result)).toBe('f32[N, 8, 6, 6]');
  });

  it('refuses what does not fit', () => {
    const size = 'size must be an integer of at least 1, not 0';
    expectFault(adaptiveAveragePool2d, ['f32[N, 4, 8, 8]'], { size: [0, 1] }, 'E0310', size);
    const rank = 'cannot average f32[N, 4]: its rank is 2, not 4';
    expectFault(adaptiveAveragePool2d, ['f32[N, 4]'], { size: [1, 1] }, 'E0301', rank);
  });
});
