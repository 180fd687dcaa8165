import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concat } from '../../compiler/ops/concat.ts';
import { slice } from '../../compiler/ops/slice.ts';
import { arange, checkAgainstTorch, checkSamples, checkSymbolicBatch, expectFault, expectTensor } from './check-op.ts';

describe('slice', () => {
  it('takes a part of an axis', () => {
    const y = slice.evaluate([arange(2, 4)], { axis: 1, from: 1, to: 3 });
    expectTensor(y, { shape: [2, 2], data: [1, 2, 5, 6] });
  });

  it('is undone by concat', () => {
    fc.assert(
      fc.property(fc.nat(3), fc.integer({ min: 1, max: 3 }), (axis, at) => {
        const x = arange(4, 4, 4, 4);
        const parts = [slice.evaluate([x], { axis, from: 0, to: at }), slice.evaluate([x], { axis, from: at, to: 4 })];
        expect(concat.evaluate(parts, { axis })).toEqual(x);
      }),
    );
  });

  checkAgainstTorch(slice, 'slice');
  checkSamples(slice);
  checkSymbolicBatch(slice, ({ attrs }) => attrs.axis !== 0);

  it('refuses what does not fit', () => {
    const x = 'f32[N, 8, 4, 4]';
    const beyond = 'cannot slice 4 to 9 out of axis 1 of f32[N, 8, 4, 4]';
    expectFault(slice, [x], { axis: 1, from: 4, to: 9 }, 'E0313', beyond);
    const empty = 'cannot slice 4 to 4 out of axis 1 of f32[N, 8, 4, 4]';
    expectFault(slice, [x], { axis: 1, from: 4, to: 4 }, 'E0313', empty);
    expectFault(slice, [x], { axis: 4, from: 0, to: 1 }, 'E0307', 'cannot slice f32[N, 8, 4, 4]: it has no axis 4');
    const unknown = 'cannot prove that 0 to 1 lies inside axis 0 of f32[N, 8, 4, 4]';
    expectFault(slice, [x], { axis: 0, from: 0, to: 1 }, 'E0309', unknown);
    const negative = 'from must be an integer of at least 0, not -1';
    expectFault(slice, [x], { axis: 1, from: -1, to: 1 }, 'E0310', negative);
  });
});
