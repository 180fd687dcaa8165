import { describe, it } from 'vitest';
import { prelu } from '../../compiler/ops/prelu.ts';
import { checkAgainstTorch, checkSamples, expectFault, expectTensor, f32 } from './check-op.ts';

describe('prelu', () => {
  it('scales what is negative by the slope of its channel', () => {
    const y = prelu.evaluate([f32([1, 2, 1, 2], [-2, 3, -4, 5]), f32([1, 2, 1, 1], [0.5, -1])], {});
    expectTensor(y, { shape: [1, 2, 1, 2], data: [-1, 3, 4, 5] });
  });

  checkAgainstTorch(prelu, 'prelu');
  checkSamples(prelu);

  it('refuses slopes that do not broadcast', () => {
    expectFault(prelu, ['f32[N, 4]', 'f32[3]'], {}, 'E0305', 'cannot rectify f32[N, 4] and f32[3]');
  });
});
