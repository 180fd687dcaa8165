import { describe, expect, it } from 'vitest';
import { concat } from '../../compiler/ops/concat.ts';
import { pad } from '../../compiler/ops/pad.ts';
import { selectChannels } from '../../compiler/ops/select-channels.ts';
import { slice } from '../../compiler/ops/slice.ts';
import { arange, checkSamples, checkSymbolicBatch, expectFault, expectTensor, noise } from './check-op.ts';

describe('selectChannels', () => {
  it('copies channels by index and fills the others with zeros', () => {
    const y = selectChannels.evaluate([arange(1, 3, 1, 2)], { indices: [2, -1, 0, 2] });
    expectTensor(y, { shape: [1, 4, 1, 2], data: [4, 5, 0, 0, 0, 1, 4, 5] });
  });

  it('is a concatenation of slices of one channel each', () => {
    const x = noise([2, 7, 3, 2], 1);
    const indices = [5, 0, 3, 3, 6];
    const parts = indices.map((from) => slice.evaluate([x], { axis: 1, from, to: from + 1 }));
    expect(selectChannels.evaluate([x], { indices })).toEqual(concat.evaluate(parts, { axis: 1 }));
  });

  it('is a pad where only its ends are zeros', () => {
    const x = noise([2, 3, 2, 2], 2);
    const padded = pad.evaluate([x], { before: [0, 2, 0, 0], after: [0, 1, 0, 0], value: 0 });
    expect(selectChannels.evaluate([x], { indices: [-1, -1, 0, 1, 2, -1] })).toEqual(padded);
  });

  it('keeps integers', () => {
    const x = { dtype: 'i8', shape: [1, 3], data: Int8Array.of(-4, 5, 6) } as const;
    const y = selectChannels.evaluate([x], { indices: [1, -1, 0] });
    expect(y).toEqual({ dtype: 'i8', shape: [1, 3], data: Int8Array.of(5, 0, -4) });
  });

  checkSamples(selectChannels);
  checkSymbolicBatch(selectChannels);

  it('refuses what does not fit', () => {
    const beyond = 'cannot select channel 6 of f32[N, 6, 2, 2]';
    expectFault(selectChannels, ['f32[N, 6, 2, 2]'], { indices: [0, 6] }, 'E0313', beyond);
    const open = 'cannot select channel 0 of f32[N, C]';
    expectFault(selectChannels, ['f32[N, C]'], { indices: [0] }, 'E0313', open);
    const negative = 'an index must be an integer of at least -1, not -2';
    expectFault(selectChannels, ['f32[N, 6]'], { indices: [-2] }, 'E0310', negative);
    expectFault(selectChannels, ['f32[N, 6]'], { indices: [] }, 'E0310', 'indices must be a list of integers');
    const rank = 'cannot select channels of f32[6]: its rank is 1, less than 2';
    expectFault(selectChannels, ['f32[6]'], { indices: [0] }, 'E0301', rank);
  });
});
