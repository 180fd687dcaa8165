import { describe, expect, it } from 'vitest';
import { adaptiveAveragePool2d } from '../../compiler/ops/adaptive-average-pool2d.ts';
import { adaptiveAveragePool2dGrad } from '../../compiler/ops/adaptive-average-pool2d-grad.ts';
import { expectAdjoint } from './check-adjoint.ts';
import { checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32 } from './check-op.ts';

describe('adaptiveAveragePool2dGrad', () => {
  it('adds up where windows overlap', () => {
    // Three cells in two windows: 0-1 and 1-2.
    const x = adaptiveAveragePool2dGrad.evaluate([f32([1, 1, 1, 2], [2, 6])], { size: [1, 3] });
    expectTensor(x, { shape: [1, 1, 1, 3], data: [1, 4, 3] });
  });

  it.each(adaptiveAveragePool2dGrad.samples)('is the adjoint of the pool: $name', ({ inputs, attrs }) => {
    const [batch = 1, channels = 1, height = 1, width = 1] = inputs[0]?.shape ?? [];
    expect(attrs.size).toHaveLength(2);
    expectAdjoint(
      [batch, channels, ...attrs.size],
      (x) => adaptiveAveragePool2d.evaluate([x], { size: [height, width] }),
      (g) => adaptiveAveragePool2dGrad.evaluate([g], attrs),
    );
  });

  checkSamples(adaptiveAveragePool2dGrad);
  checkSymbolicBatch(adaptiveAveragePool2dGrad);

  it('refuses what does not fit', () => {
    const rank = 'cannot spread f32[N, 3]: its rank is 2, not 4';
    expectFault(adaptiveAveragePool2dGrad, ['f32[N, 3]'], { size: [2, 2] }, 'E0301', rank);
    const size = 'size must be an integer of at least 1, not 0';
    expectFault(adaptiveAveragePool2dGrad, ['f32[N, 3, 2, 2]'], { size: [0, 2] }, 'E0310', size);
  });
});
