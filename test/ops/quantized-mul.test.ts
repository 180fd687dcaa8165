import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../compiler/ir/type.ts';
import { quantizedMul } from '../../compiler/ops/quantized-mul.ts';
import { checkSamples, checkSymbolicBatch, expectFault, sampleTensor } from './check-op.ts';

describe('quantizedMul', () => {
  it.each(quantizedMul.samples)('is the rounded product of reals: $name', (sample) => {
    const { aZero, bZero, multiplier, outputZero, min, max } = sample.attrs;
    const tensors = sample.inputs.map(sampleTensor);
    const [a, b] = tensors as [Tensor, Tensor];
    const plane = (a.shape[2] ?? 1) * (a.shape[3] ?? 1);
    const isGate = a.data.length !== b.data.length;
    const result = quantizedMul.evaluate(tensors, sample.attrs);
    for (const [at, q] of [...a.data].entries()) {
      const gate = b.data[isGate ? Math.floor(at / plane) : at] ?? 0;
      const real = (q - aZero) * (gate - bZero) * multiplier + outputZero;
      expect(Math.abs((result.data[at] ?? 0) - Math.max(min, Math.min(max, real)))).toBeLessThanOrEqual(0.5 + 1e-4);
    }
  });

  it('rounds ties to even', () => {
    const i8 = (...values: number[]): Tensor => ({ dtype: 'i8', shape: [values.length], data: Int8Array.from(values) });
    const attrs = { aZero: 0, bZero: 0, multiplier: 0.5, outputZero: 0, min: -128, max: 127 };
    const y = quantizedMul.evaluate([i8(1, 3, 5, -1, -3), i8(1, 1, 1, 1, 1)], attrs);
    expect(y).toEqual(i8(0, 2, 2, 0, -2));
  });

  checkSamples(quantizedMul);
  checkSymbolicBatch(quantizedMul);

  it('refuses what does not fit', () => {
    const attrs = quantizedMul.samples[0]?.attrs as Parameters<typeof quantizedMul.infer>[1];
    const gate = 'cannot multiply i8[2, 3, 4, 4] and i8[2, 1, 4, 4]';
    expectFault(quantizedMul, ['i8[2, 3, 4, 4]', 'i8[2, 1, 4, 4]'], attrs, 'E0305', gate);
    const scale = 'multiplier must be a positive float32, not -1';
    expectFault(quantizedMul, ['i8[2]', 'i8[2]'], { ...attrs, multiplier: -1 }, 'E0310', scale);
  });
});
