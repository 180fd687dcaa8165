import { describe, it } from 'vitest';
import { dilate } from '../../compiler/ops/dilate.ts';
import { subsample } from '../../compiler/ops/subsample.ts';
import { expectAdjoint } from './check-adjoint.ts';
import { arange, checkSamples, checkSymbolicBatch, expectFault, expectTensor } from './check-op.ts';

describe('dilate', () => {
  it('puts zeros between', () => {
    const y = dilate.evaluate([arange(1, 1, 2, 2)], { stride: [2, 3], size: [3, 5] });
    expectTensor(y, { shape: [1, 1, 3, 5], data: [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0, 0, 3, 0] });
  });

  it.each(dilate.samples)('is the adjoint of subsample: $name', ({ inputs, attrs }) => {
    expectAdjoint(
      [...(inputs[0]?.shape.slice(0, 2) ?? []), ...attrs.size],
      (x) => subsample.evaluate([x], { stride: attrs.stride }),
      (g) => dilate.evaluate([g], attrs),
    );
  });

  checkSamples(dilate);
  checkSymbolicBatch(dilate);

  it('refuses what does not fit', () => {
    const attrs = { stride: [2, 2], size: [6, 4] } as const;
    expectFault(dilate, ['f32[N, 4]'], attrs, 'E0301', 'cannot dilate f32[N, 4]: its rank is 2, not 4');
    const large = 'cannot dilate f32[N, 4, 4, 2] by 2 and 2 into 6 by 4';
    expectFault(dilate, ['f32[N, 4, 4, 2]'], attrs, 'E0306', large);
  });
});
