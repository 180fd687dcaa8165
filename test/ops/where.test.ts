import { describe, expect, it } from 'vitest';
import { where } from '../../compiler/ops/where.ts';
import { arange, checkSamples, expectFault, expectTensor, f32, noise } from './check-op.ts';

describe('where', () => {
  it('takes a where the condition is positive, and b at zero, below and at NaN', () => {
    const condition = f32([5], [2, 0, -1, Number.NaN, 1e-30]);
    const y = where.evaluate([condition, f32([5], [1, 2, 3, 4, 5]), f32([1], [9])], {});
    expectTensor(y, { shape: [5], data: [1, 9, 9, 9, 5] });
  });

  it('does not mix in the side that is not taken', () => {
    const y = where.evaluate([f32([2], [1, -1]), f32([2], [1, Infinity]), f32([2], [Number.NaN, 2])], {});
    expectTensor(y, { shape: [2], data: [1, 2] });
  });

  it('stretches all three operands', () => {
    const [condition, a, b] = [noise([2, 1, 3], 1), arange(4, 1), noise([1, 3], 2)];
    const y = where.evaluate([condition, a, b], {});
    expect(y.shape).toEqual([2, 4, 3]);
    for (let at = 0; at < 24; at++) {
      const [image, row, column] = [Math.floor(at / 12), Math.floor(at / 3) % 4, at % 3];
      const wanted = Number(condition.data[image * 3 + column]) > 0 ? row : b.data[column];
      expect(y.data[at]).toBe(wanted);
    }
  });

  it('refuses sizes that do not agree', () => {
    const message = 'cannot choose between f32[3] and f32[2]';
    expectFault(where, ['f32[3]', 'f32[2]', 'f32[1]'], {}, 'E0305', message);
    expectFault(where, ['f32[3]', 'f32[3]'], {}, 'E0314', 'cannot choose between: operand 3 is missing');
  });

  checkSamples(where);
});
