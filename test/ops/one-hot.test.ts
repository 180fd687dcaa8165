import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { argMax } from '../../compiler/ops/arg-max.ts';
import { oneHot } from '../../compiler/ops/one-hot.ts';
import { checkSamples, expectFault, expectTensor, f32, type } from './check-op.ts';

describe('oneHot', () => {
  it('marks the class of each label', () => {
    expectTensor(oneHot.evaluate([f32([2], [2, 0])], { classes: 3 }), { shape: [2, 3], data: [0, 0, 1, 1, 0, 0] });
  });

  it('leaves out labels that name no class', () => {
    const y = oneHot.evaluate([f32([4], [-1, 255, 1, 0.5])], { classes: 2 });
    expectTensor(y, { shape: [4, 2], data: [0, 0, 0, 0, 0, 1, 0, 0] });
  });

  it('marks each pixel in the plane of its class', () => {
    const labels = f32([2, 2, 3], [0, 1, 2, 2, 1, 0, 1, 1, 1, 0, 0, 2]);
    const y = oneHot.evaluate([labels], { classes: 3 });
    expect(y.shape).toEqual([2, 3, 2, 3]);
    expectTensor(argMax.evaluate([y], { axis: 1 }), { shape: labels.shape, data: [...labels.data] });
    expect(Float64Array.from(y.data).reduce((sum, value) => sum + value, 0)).toBe(12);
  });

  checkSamples(oneHot);

  it('infers with a symbolic batch and symbolic sizes', () => {
    expect(formatType(oneHot.infer([type('f32[N, H, W]')], { classes: 4 }))).toBe('f32[N, 4, H, W]');
  });

  it('refuses what does not fit', () => {
    const message = 'classes must be an integer of at least 1, not 0';
    expectFault(oneHot, ['f32[N]'], { classes: 0 }, 'E0310', message);
    expectFault(oneHot, ['f32[]'], { classes: 2 }, 'E0301', 'cannot spread f32[]: its rank is 0, less than 1');
  });
});
