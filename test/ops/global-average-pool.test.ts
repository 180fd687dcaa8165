import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { globalAveragePool } from '../../compiler/ops/global-average-pool.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  type,
} from './check-op.ts';

describe('globalAveragePool', () => {
  it('averages each plane', () => {
    expectTensor(globalAveragePool.evaluate([arange(1, 2, 1, 4)], {}), { shape: [1, 2, 1, 1], data: [1.5, 5.5] });
  });

  checkAgainstTorch(globalAveragePool, 'global-average-pool');
  checkSamples(globalAveragePool);
  checkSymbolicBatch(globalAveragePool);

  it('needs no fixed size', () => {
    expect(formatType(globalAveragePool.infer([type('f32[N, 8, H, W]')], {}))).toBe('f32[N, 8, 1, 1]');
  });

  it('refuses what does not fit', () => {
    expectFault(globalAveragePool, ['f32[N, 4]'], {}, 'E0301', 'cannot average f32[N, 4]: its rank is 2, not 4');
    const integers = 'cannot average u8[1, 4, 2, 2]: the elements must be f32';
    expectFault(globalAveragePool, ['u8[1, 4, 2, 2]'], {}, 'E0302', integers);
  });
});
