import { describe, expect, it } from 'vitest';
import { after } from '../../compiler/ops/after.ts';
import { arange, checkSamples, expectFault } from './check-op.ts';

describe('after', () => {
  checkSamples(after);

  it('is its first operand, whatever the second is', () => {
    expect(after.evaluate([arange(2, 3), arange(5)], {})).toEqual(arange(2, 3));
  });

  it('takes two operands', () => {
    expectFault(after, ['f32[2]'], {}, 'E0314', 'cannot order: operand 2 is missing');
    expectFault(after, ['f32[2]', 'f32[2]', 'f32[2]'], {}, 'E0314', 'cannot order 3 operands: at most 2 can be taken');
  });
});
