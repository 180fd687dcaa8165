import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { sumSlices } from '../../compiler/ops/sum-slices.ts';
import { arange, checkSamples, expectFault, expectTensor, type } from './check-op.ts';

describe('sumSlices', () => {
  it('adds parts of axis 0', () => {
    expectTensor(sumSlices.evaluate([arange(4, 2)], { slices: 2 }), { shape: [2, 2], data: [4, 6, 8, 10] });
  });

  checkSamples(sumSlices);

  it('divides a symbolic axis', () => {
    expect(formatType(sumSlices.infer([type('f32[4*N, 3]')], { slices: 4 }))).toBe('f32[N, 3]');
  });

  it('refuses what does not divide', () => {
    const message = '3 slices do not divide the axis 4 of f32[4, 2]';
    expectFault(sumSlices, ['f32[4, 2]'], { slices: 3 }, 'E0304', message);
  });
});
