import { describe, it } from 'vitest';
import { fromStorage } from '../../compiler/ops/from-storage.ts';
import { arange, checkSamples, expectFault, expectTensor } from './check-op.ts';

describe('fromStorage', () => {
  it('takes pixels with their channels together', () => {
    const y = fromStorage.evaluate([arange(1, 32)], { offset: 8, shape: [1, 5, 1, 2] });
    expectTensor(y, { shape: [1, 5, 1, 2], data: [8, 16, 9, 17, 10, 18, 11, 19, 12, 20] });
  });

  it('takes rows of a matrix on multiples of four', () => {
    const y = fromStorage.evaluate([arange(1, 16)], { offset: 4, shape: [3, 2] });
    expectTensor(y, { shape: [3, 2], data: [4, 5, 8, 9, 12, 13] });
  });

  it('takes a vector as one row, and a scalar', () => {
    expectTensor(fromStorage.evaluate([arange(1, 16)], { offset: 4, shape: [5] }), {
      shape: [5],
      data: [4, 5, 6, 7, 8],
    });
    expectTensor(fromStorage.evaluate([arange(1, 16)], { offset: 12, shape: [] }), { shape: [], data: [12] });
  });

  checkSamples(fromStorage);

  it('refuses what does not fit', () => {
    const flat = 'f32[1, 16]';
    const beyond = 'cannot take a tensor out of f32[1, 16]: the elements 12 to 20 do not lie inside';
    expectFault(fromStorage, [flat], { offset: 12, shape: [5] }, 'E0313', beyond);
    const odd = 'offset must be a multiple of 4, not 6';
    expectFault(fromStorage, [flat], { offset: 6, shape: [4] }, 'E0310', odd);
    const map = 'cannot take a tensor out of f32[2, 8]: the shape must be [1, T]';
    expectFault(fromStorage, ['f32[2, 8]'], { offset: 0, shape: [4] }, 'E0301', map);
    const empty = 'a size of the shape must be an integer of at least 1, not 0';
    expectFault(fromStorage, [flat], { offset: 0, shape: [0] }, 'E0310', empty);
    expectFault(
      fromStorage,
      [],
      { offset: 0, shape: [] },
      'E0314',
      'cannot take a tensor out of: operand 1 is missing',
    );
  });
});
