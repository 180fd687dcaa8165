import { describe, it } from 'vitest';
import { averagePool2d } from '../../compiler/ops/average-pool2d.ts';
import { averagePool2dGrad } from '../../compiler/ops/average-pool2d-grad.ts';
import { expectAdjoint } from './check-adjoint.ts';
import { checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32 } from './check-op.ts';

const plain = {
  kernel: [1, 2],
  stride: [1, 2],
  padding: [0, 0, 0, 0],
  ceilMode: false,
  countIncludePad: true,
} as const;

describe('averagePool2dGrad', () => {
  it('spreads evenly', () => {
    const x = averagePool2dGrad.evaluate([f32([1, 1, 1, 2], [2, 6])], { ...plain, size: [1, 5] });
    expectTensor(x, { shape: [1, 1, 1, 5], data: [1, 1, 3, 3, 0] });
  });

  it.each(averagePool2dGrad.samples)('is the adjoint of the pool: $name', ({ inputs, attrs }) => {
    const { size, ...pool } = attrs;
    expectAdjoint(
      [...(inputs[0]?.shape.slice(0, 2) ?? []), ...size],
      (x) => averagePool2d.evaluate([x], pool),
      (g) => averagePool2dGrad.evaluate([g], attrs),
    );
  });

  checkSamples(averagePool2dGrad);
  checkSymbolicBatch(averagePool2dGrad);

  it('refuses what does not fit', () => {
    const message = 'the gradient f32[N, 3, 1, 3] does not fit the pool f32[N, 3, 1, 2]';
    expectFault(averagePool2dGrad, ['f32[N, 3, 1, 3]'], { ...plain, size: [1, 5] }, 'E0303', message);
    const rank = 'cannot spread f32[N, 3]: its rank is 2, not 4';
    expectFault(averagePool2dGrad, ['f32[N, 3]'], { ...plain, size: [1, 5] }, 'E0301', rank);
  });
});
