import { describe, expect, it } from 'vitest';
import { quantize } from '../../compiler/ops/quantize.ts';
import { checkSamples, checkSymbolicBatch, expectFault, f32 } from './check-op.ts';

const of = (values: number[], scale: number, zeroPoint: number): number[] => [
  ...quantize.evaluate([f32([values.length], values)], { scale, zeroPoint }).data,
];

describe('quantize', () => {
  it('rounds ties to the even step, before the zero point', () => {
    expect(of([0.25, 0.75, 1.25, -0.25, -0.75], 0.5, 1)).toEqual([1, 3, 3, 1, -1]);
  });

  it('clamps to i8', () => {
    expect(of([1000, -1000, Infinity, -Infinity, 3e38], 0.125, 20)).toEqual([127, -128, 127, -128, 127]);
  });

  it('multiplies in float32 by the rounded inverse', () => {
    const scale = Math.fround(0.1);
    const inverse = Math.fround(1 / scale);
    for (let x = -12; x < 12; x += 0.013) {
      const steps = Math.fround(Math.fround(x) * inverse);
      if (Math.abs(steps % 1) !== 0.5) expect(of([x], scale, 0)).toEqual([Math.round(steps)].map((v) => v + 0));
    }
  });

  checkSamples(quantize);
  checkSymbolicBatch(quantize);

  it('refuses what does not fit', () => {
    const attrs = { scale: 0.5, zeroPoint: 0 };
    expectFault(quantize, ['i8[2]'], attrs, 'E0302', 'cannot quantize i8[2]: the elements must be f32');
    const scale = 'scale must be a positive float32, not 0.1';
    expectFault(quantize, ['f32[2]'], { ...attrs, scale: 0.1 }, 'E0310', scale);
    const zero = 'zeroPoint must be an integer of -128 to 127, not 200';
    expectFault(quantize, ['f32[2]'], { ...attrs, zeroPoint: 200 }, 'E0310', zero);
  });
});
