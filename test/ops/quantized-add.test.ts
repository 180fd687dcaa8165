import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../compiler/ir/type.ts';
import { quantizedAdd } from '../../compiler/ops/quantized-add.ts';
import { checkSamples, checkSymbolicBatch, expectFault, sampleTensor } from './check-op.ts';

describe('quantizedAdd', () => {
  it.each(quantizedAdd.samples)('is the rounded sum of reals: $name', (sample) => {
    const { aZero, bZero, aMultiplier, bMultiplier, shift, outputZero, min, max } = sample.attrs;
    const tensors = sample.inputs.map(sampleTensor);
    const [a, b] = tensors as [Tensor, Tensor];
    const wanted = [...a.data].map((q, at) => {
      const real = ((q - aZero) * aMultiplier + ((b.data[at] ?? 0) - bZero) * bMultiplier) / 2 ** shift;
      return Math.max(min, Math.min(max, Math.round(real) + outputZero));
    });
    expect([...quantizedAdd.evaluate(tensors, sample.attrs).data]).toEqual(wanted);
  });

  checkSamples(quantizedAdd);
  checkSymbolicBatch(quantizedAdd);

  it('refuses what does not fit', () => {
    const attrs = quantizedAdd.samples[0]?.attrs as Parameters<typeof quantizedAdd.infer>[1];
    const differ = 'cannot add i8[2, 3] and i8[2, 1]: they differ';
    expectFault(quantizedAdd, ['i8[2, 3]', 'i8[2, 1]'], attrs, 'E0305', differ);
    const large = 'aMultiplier must be an integer of at most 2^21, not 2097153';
    expectFault(quantizedAdd, ['i8[2]', 'i8[2]'], { ...attrs, aMultiplier: 2 ** 21 + 1 }, 'E0310', large);
    const shift = 'shift must be at most 16, not 17';
    expectFault(quantizedAdd, ['i8[2]', 'i8[2]'], { ...attrs, shift: 17 }, 'E0310', shift);
  });
});
