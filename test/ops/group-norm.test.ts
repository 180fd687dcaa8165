import { describe, it } from 'vitest';
import { groupNorm } from '../../compiler/ops/group-norm.ts';
import { checkAgainstTorch, checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32 } from './check-op.ts';

describe('groupNorm', () => {
  it('normalises channels of a group together', () => {
    const x = f32([1, 4, 1, 1], [1, 3, -10, 10]);
    const y = groupNorm.evaluate([x, f32([4], [1, 1, 2, 2]), f32([4], [0, 0, 0, 1])], { groups: 2, eps: 0 });
    expectTensor(y, { shape: [1, 4, 1, 1], data: [-1, 1, -2, 3] });
  });

  checkAgainstTorch(groupNorm, 'group-norm');
  checkSamples(groupNorm);
  checkSymbolicBatch(groupNorm);

  it('refuses what does not fit', () => {
    const operands = ['f32[N, 6, 4, 4]', 'f32[6]', 'f32[6]'];
    const uneven = '4 groups do not divide the 6 channels of f32[N, 6, 4, 4]';
    expectFault(groupNorm, operands, { groups: 4, eps: 1e-5 }, 'E0304', uneven);
    const gamma = 'the gamma f32[3] does not fit 6 channels';
    expectFault(groupNorm, ['f32[N, 6, 4, 4]', 'f32[3]', 'f32[6]'], { groups: 3, eps: 1e-5 }, 'E0303', gamma);
    const eps = 'eps must be a number of at least 0, not NaN';
    expectFault(groupNorm, operands, { groups: 3, eps: Number.NaN }, 'E0310', eps);
  });
});
