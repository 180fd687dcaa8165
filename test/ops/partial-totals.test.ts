import { describe, expect, it } from 'vitest';
import { partialTotals } from '../../compiler/ops/partial-totals.ts';
import { dot } from './check-adjoint.ts';
import { checkSamples, expectFault, expectTensor, f32, noise } from './check-op.ts';

describe('partialTotals', () => {
  it('follows channels of a pixel, then pixels', () => {
    // Two pixels of five channels: quadruples 0-3 and 4 of the first, then of the second.
    const x = f32([1, 5, 2], [1, 10, 1, 10, 1, 10, 1, 10, 1, 10]);
    expectTensor(partialTotals.evaluate([x], { chunk: 1 }), { shape: [4, 1], data: [4, 1, 40, 10] });
    expectTensor(partialTotals.evaluate([x], { chunk: 3 }), { shape: [2, 1], data: [45, 10] });
  });

  it.each(partialTotals.samples)('adds up to the total: $name', ({ inputs, attrs }) => {
    const tensors = inputs.map(({ shape }, index) => noise(shape, index));
    const [
      x = f32([], []),
      y = f32(
        x.shape,
        Array.from(x.data, () => 1),
      ),
    ] = tensors;
    const { data } = partialTotals.evaluate(tensors, attrs);
    const total = Float64Array.from(data).reduce((sum, value) => sum + value, 0);
    expect(Math.abs(total - dot(x, y))).toBeLessThan(1e-11);
  });

  checkSamples(partialTotals);

  it('refuses what does not fit', () => {
    const message = 'cannot sum products of f32[2, 3] and f32[3, 3]: the shapes differ';
    expectFault(partialTotals, ['f32[2, 3]', 'f32[3, 3]'], { chunk: 1 }, 'E0303', message);
    const chunk = 'chunk must be an integer of at least 1, not 0';
    expectFault(partialTotals, ['f32[2, 3]'], { chunk: 0 }, 'E0310', chunk);
  });
});
