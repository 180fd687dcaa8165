import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { transpose } from '../../compiler/ops/transpose.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  type,
} from './check-op.ts';

describe('transpose', () => {
  it('swaps rows and columns', () => {
    const y = transpose.evaluate([arange(2, 3)], { permutation: [1, 0] });
    expectTensor(y, { shape: [3, 2], data: [0, 3, 1, 4, 2, 5] });
  });

  it('is undone by the inverse permutation', () => {
    const axes = fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 });
    fc.assert(
      fc.property(axes, (permutation) => {
        const inverse = permutation.map((_, axis) => permutation.indexOf(axis));
        const x = arange(2, 3, 1, 4, 5);
        const y = transpose.evaluate([x], { permutation });
        expect(transpose.evaluate([y], { permutation: inverse })).toEqual(x);
      }),
    );
  });

  checkAgainstTorch(transpose, 'transpose');
  checkSamples(transpose);
  checkSymbolicBatch(transpose);

  it('moves symbolic sizes', () => {
    const result = transpose.infer([type('f32[N, 8, H, W]')], { permutation: [0, 2, 3, 1] });
    expect(formatType(result)).toBe('f32[N, H, W, 8]');
  });

  it('refuses what is no permutation', () => {
    const x = 'f32[N, 8, 4]';
    const message = (text: string): string => `cannot transpose f32[N, 8, 4] by [${text}]`;
    expectFault(transpose, [x], { permutation: [0, 1] }, 'E0310', message('0, 1'));
    expectFault(transpose, [x], { permutation: [0, 1, 1] }, 'E0310', message('0, 1, 1'));
    expectFault(transpose, [x], { permutation: [1, 2, 3] }, 'E0310', message('1, 2, 3'));
  });
});
