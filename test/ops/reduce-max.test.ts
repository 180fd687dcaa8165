import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { reduceMax } from '../../compiler/ops/reduce-max.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  type,
} from './check-op.ts';

describe('reduceMax', () => {
  it('takes the largest along an axis', () => {
    const x = arange(2, 3);
    expectTensor(reduceMax.evaluate([x], { axes: [1], keepDims: false }), { shape: [2], data: [2, 5] });
    expectTensor(reduceMax.evaluate([x], { axes: [1], keepDims: true }), { shape: [2, 1], data: [2, 5] });
  });

  checkAgainstTorch(reduceMax, 'reduce-max');
  checkSamples(reduceMax);
  checkSymbolicBatch(reduceMax, ({ attrs }) => !attrs.axes.includes(0));

  it('drops or keeps symbolic axes', () => {
    const x = type('f32[N, 8, H, W]');
    expect(formatType(reduceMax.infer([x], { axes: [3, 2], keepDims: false }))).toBe('f32[N, 8]');
    expect(formatType(reduceMax.infer([x], { axes: [0, 3], keepDims: true }))).toBe('f32[1, 8, H, 1]');
  });

  it('refuses what does not fit', () => {
    const faults = [
      [[], 'E0310', 'no axis is given'],
      [[2], 'E0307', 'it has no axis 2'],
      [[1, 1], 'E0310', 'an axis is named twice in [1, 1]'],
    ] as const;
    for (const [axes, code, reason] of faults) {
      expectFault(reduceMax, ['f32[N, 4]'], { axes, keepDims: true }, code, `cannot reduce f32[N, 4]: ${reason}`);
    }
    const integers = 'cannot reduce i32[N, 4]: the elements must be f32';
    expectFault(reduceMax, ['i32[N, 4]'], { axes: [1], keepDims: true }, 'E0302', integers);
  });
});
