import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { concat } from '../../compiler/ops/concat.ts';
import {
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  f32,
  type,
} from './check-op.ts';

describe('concat', () => {
  it('puts parts one after another', () => {
    const y = concat.evaluate([f32([2, 1], [1, 2]), f32([2, 2], [3, 4, 5, 6])], { axis: 1 });
    expectTensor(y, { shape: [2, 3], data: [1, 3, 4, 2, 5, 6] });
  });

  it('keeps integers', () => {
    const x = { dtype: 'u8', shape: [2], data: Uint8Array.of(200, 7) } as const;
    expect(concat.evaluate([x, x], { axis: 0 }).data).toEqual(Uint8Array.of(200, 7, 200, 7));
  });

  checkAgainstTorch(concat, 'concat');
  checkSamples(concat);
  checkSymbolicBatch(concat, ({ attrs }) => attrs.axis !== 0);

  it('adds symbolic sizes', () => {
    const result = concat.infer([type('f32[N, 8, H, 4]'), type('f32[N, 8, 2*H, 4]')], { axis: 2 });
    expect(formatType(result)).toBe('f32[N, 8, 3*H, 4]');
  });

  it('refuses what does not fit', () => {
    const at = { axis: 1 };
    const differ = 'cannot concatenate f32[N, 4, 8, 8] and f32[N, 4, 7, 8] along axis 1';
    expectFault(concat, ['f32[N, 4, 8, 8]', 'f32[N, 4, 7, 8]'], at, 'E0312', differ);
    expectFault(concat, ['f32[N, 4]', 'f32[4]'], at, 'E0312', 'cannot concatenate f32[N, 4] and f32[4] along axis 1');
    expectFault(
      concat,
      ['f32[N, 4]', 'i8[N, 4]'],
      at,
      'E0302',
      'cannot concatenate f32[N, 4] and i8[N, 4] along axis 1',
    );
    expectFault(concat, ['f32[N, 4]'], { axis: 2 }, 'E0307', 'cannot concatenate f32[N, 4]: it has no axis 2');
    expectFault(concat, [], at, 'E0314', 'cannot concatenate: operand 1 is missing');
  });
});
