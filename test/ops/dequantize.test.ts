import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../compiler/ir/type.ts';
import { dequantize } from '../../compiler/ops/dequantize.ts';
import { quantize } from '../../compiler/ops/quantize.ts';
import { checkSamples, checkSymbolicBatch, expectFault } from './check-op.ts';

const all: Tensor = { dtype: 'i8', shape: [256], data: Int8Array.from({ length: 256 }, (_, index) => index - 128) };

describe('dequantize', () => {
  it.each([
    [0.5, 0],
    [Math.fround(0.0187), -128],
    [Math.fround(1e-20), 77],
    [Math.fround(3.7e12), 5],
  ])('gives back what quantize took: scale %f, zero %i', (scale, zeroPoint) => {
    const real = dequantize.evaluate([all], { scale, zeroPoint });
    expect(real.data[128 + zeroPoint]).toBe(0);
    expect(real.data.every((value) => value === Math.fround(value))).toBe(true);
    expect(quantize.evaluate([real], { scale, zeroPoint })).toEqual(all);
  });

  checkSamples(dequantize);
  checkSymbolicBatch(dequantize);

  it('refuses what does not fit', () => {
    const attrs = { scale: 0.5, zeroPoint: 0 };
    expectFault(dequantize, ['f32[2]'], attrs, 'E0302', 'cannot dequantize f32[2]: the elements must be i8');
  });
});
