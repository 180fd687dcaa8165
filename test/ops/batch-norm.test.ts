import { describe, it } from 'vitest';
import { batchNorm } from '../../compiler/ops/batch-norm.ts';
import { checkAgainstTorch, checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32 } from './check-op.ts';

const attrs = { eps: 1e-5, momentum: 0.1 };

describe('batchNorm', () => {
  it('normalises each channel by its own statistics', () => {
    const [gamma, beta] = [f32([2], [2, 3]), f32([2], [10, 20])];
    const [mean, variance] = [f32([2], [1, 0]), f32([2], [0.75, 3.75])];
    const y = batchNorm.evaluate([f32([1, 2, 2], [1, 3, 4, -2]), gamma, beta, mean, variance], {
      eps: 0.25,
      momentum: 0,
    });
    expectTensor(y, { shape: [1, 2, 2], data: [10, 14, 26, 17] });
  });

  checkAgainstTorch(batchNorm, 'batch-norm');
  checkSamples(batchNorm);
  checkSymbolicBatch(batchNorm);

  it('refuses what does not fit', () => {
    const c = 'f32[4]';
    const x = 'f32[N, 4, 8, 8]';
    expectFault(batchNorm, [x, c, c, 'f32[3]', c], attrs, 'E0303', 'the mean f32[3] does not fit 4 channels');
    expectFault(
      batchNorm,
      ['f32[4]', c, c, c, c],
      attrs,
      'E0301',
      'cannot normalise f32[4]: its rank is 1, less than 2',
    );
    expectFault(batchNorm, [x, c, c, c], attrs, 'E0314', 'cannot normalise: operand 5 is missing');
    const eps = 'eps must be a number of at least 0, not -1';
    expectFault(batchNorm, [x, c, c, c, c], { ...attrs, eps: -1 }, 'E0310', eps);
    const momentum = 'momentum must lie between 0 and 1, not NaN';
    expectFault(batchNorm, [x, c, c, c, c], { ...attrs, momentum: Number.NaN }, 'E0310', momentum);
  });
});
