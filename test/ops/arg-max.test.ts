import { describe, it } from 'vitest';
import { argMax } from '../../compiler/ops/arg-max.ts';
import { checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32 } from './check-op.ts';

describe('argMax', () => {
  it('gives the index of the largest', () => {
    expectTensor(argMax.evaluate([f32([2, 3], [1, 5, 2, -1, -3, -2])], { axis: 1 }), { shape: [2], data: [1, 0] });
  });

  it('gives the first of equals', () => {
    expectTensor(argMax.evaluate([f32([1, 4], [0, 7, 7, 7])], { axis: 1 }), { shape: [1], data: [1] });
  });

  it('runs along any axis', () => {
    expectTensor(argMax.evaluate([f32([2, 2], [1, 5, 2, 3])], { axis: 0 }), { shape: [2], data: [1, 0] });
  });

  checkSamples(argMax);
  checkSymbolicBatch(argMax);

  it('refuses what does not fit', () => {
    expectFault(argMax, ['f32[N, 3]'], { axis: 2 }, 'E0307', 'cannot search f32[N, 3]: it has no axis 2');
  });
});
