import { describe, it } from 'vitest';
import { resize } from '../../compiler/ops/resize.ts';
import { resizeGrad } from '../../compiler/ops/resize-grad.ts';
import { expectAdjoint } from './check-adjoint.ts';
import { checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32 } from './check-op.ts';

describe('resizeGrad', () => {
  it('sums the copies of a cell', () => {
    const x = resizeGrad.evaluate([f32([1, 1, 1, 4], [1, 2, 3, 4])], { size: [1, 2], mode: 'nearest' });
    expectTensor(x, { shape: [1, 1, 1, 2], data: [3, 7] });
  });

  it('divides by the distance of centres', () => {
    const x = resizeGrad.evaluate([f32([1, 1, 1, 4], [1, 4, 8, 16])], { size: [1, 2], mode: 'bilinear' });
    expectTensor(x, { shape: [1, 1, 1, 2], data: [1 + 3 + 2, 1 + 6 + 16] });
  });

  it.each(resizeGrad.samples)('is the adjoint of the resizing: $name', ({ inputs, attrs }) => {
    const [batch = 1, channels = 1, height = 1, width = 1] = inputs[0]?.shape ?? [];
    expectAdjoint(
      [batch, channels, ...attrs.size],
      (x) => resize.evaluate([x], { size: [height, width], mode: attrs.mode }),
      (g) => resizeGrad.evaluate([g], attrs),
    );
  });

  checkSamples(resizeGrad);
  checkSymbolicBatch(resizeGrad);

  it('refuses what does not fit', () => {
    const rank = 'cannot differentiate the resizing to f32[N, 3]: its rank is 2, not 4';
    expectFault(resizeGrad, ['f32[N, 3]'], { size: [2, 2], mode: 'nearest' }, 'E0301', rank);
    const mode = 'mode must be nearest or bilinear, not cubic';
    expectFault(resizeGrad, ['f32[N, 3, 2, 2]'], { size: [2, 2], mode: 'cubic' }, 'E0310', mode);
  });
});
