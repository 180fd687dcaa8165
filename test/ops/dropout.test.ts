import { describe, expect, it } from 'vitest';
import { dropout } from '../../compiler/ops/dropout.ts';
import { arange, checkAgainstTorch, checkSamples, checkSymbolicBatch, expectFault } from './check-op.ts';

describe('dropout', () => {
  it('is the identity', () => {
    expect(dropout.evaluate([arange(2, 3)], { p: 0.9 })).toEqual(arange(2, 3));
  });

  checkAgainstTorch(dropout, 'dropout');
  checkSamples(dropout);
  checkSymbolicBatch(dropout);

  it('refuses a probability beyond one', () => {
    expectFault(dropout, ['f32[N, 4]'], { p: 1.5 }, 'E0310', 'p must lie between 0 and 1, not 1.5');
    expectFault(dropout, [], { p: 0.5 }, 'E0314', 'cannot drop out: operand 1 is missing');
  });
});
