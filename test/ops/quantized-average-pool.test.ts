import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../compiler/ir/type.ts';
import { averagePool2d } from '../../compiler/ops/average-pool2d.ts';
import { quantizedAveragePool } from '../../compiler/ops/quantized-average-pool.ts';
import { checkSamples, checkSymbolicBatch, expectFault, sampleTensor } from './check-op.ts';

describe('quantizedAveragePool', () => {
  it.each(quantizedAveragePool.samples)('is the rounded mean of reals: $name', (sample) => {
    const { inputZero, multiplier, outputZero, min, max, kernel } = sample.attrs;
    const [x] = sample.inputs.map(sampleTensor) as [Tensor];
    const real: Tensor = { dtype: 'f32', shape: x.shape, data: Float64Array.from(x.data, (q) => q - inputZero) };
    const means = averagePool2d.evaluate([real], { ...sample.attrs, countIncludePad: true });
    const result = quantizedAveragePool.evaluate([x], sample.attrs);
    for (const [at, mean] of [...means.data].entries()) {
      const wanted = mean * kernel[0] * kernel[1] * multiplier + outputZero;
      expect(Math.abs((result.data[at] ?? 0) - Math.max(min, Math.min(max, wanted)))).toBeLessThanOrEqual(0.5 + 1e-4);
    }
  });

  checkSamples(quantizedAveragePool);
  checkSymbolicBatch(quantizedAveragePool);

  it('refuses what does not fit', () => {
    const attrs = quantizedAveragePool.samples[0]?.attrs as Parameters<typeof quantizedAveragePool.infer>[1];
    const float = 'cannot average f32[1, 2, 4, 4]: the elements must be i8';
    expectFault(quantizedAveragePool, ['f32[1, 2, 4, 4]'], attrs, 'E0302', float);
    expectFault(
      quantizedAveragePool,
      ['i8[1, 2, 4, 4]'],
      { ...attrs, min: 9, max: 8 },
      'E0310',
      'min 9 is more than max 8',
    );
  });
});
