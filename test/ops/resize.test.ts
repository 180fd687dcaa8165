import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { symbolicDim, multiplyDims } from '../../compiler/ir/dim.ts';
import { resize } from '../../compiler/ops/resize.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  f32,
  noise,
  type,
} from './check-op.ts';

describe('resize', () => {
  it('repeats cells', () => {
    const y = resize.evaluate([arange(1, 1, 1, 2)], { size: [2, 4], mode: 'nearest' });
    expectTensor(y, { shape: [1, 1, 2, 4], data: [0, 0, 1, 1, 0, 0, 1, 1] });
  });

  it('mixes neighbours by the distance of their centres', () => {
    const y = resize.evaluate([f32([1, 1, 1, 2], [0, 4])], { size: [1, 4], mode: 'bilinear' });
    expectTensor(y, { shape: [1, 1, 1, 4], data: [0, 1, 3, 4] });
  });

  it.each(['nearest', 'bilinear'])('keeps every value under the same size: %s', (mode) => {
    const x = noise([2, 3, 5, 7], 3);
    expectTensor(resize.evaluate([x], { size: [5, 7], mode }), { shape: x.shape, data: [...x.data] });
  });

  it('takes the nearest cell where float32 scales would round below it', () => {
    // 33 / 99 = 1/3: every third cell starts a new one, without exception.
    for (const [from, to] of [
      [33, 99],
      [49, 343],
      [1000, 3000],
    ] as const) {
      const { data } = resize.evaluate([arange(1, 1, 1, from)], { size: [1, to], mode: 'nearest' });
      expect([...data]).toEqual(Array.from({ length: to }, (_, index) => Math.floor(index / (to / from))));
    }
  });

  checkAgainstTorch(resize, 'resize');
  checkSamples(resize);
  checkSymbolicBatch(resize);

  it('takes symbolic sizes', () => {
    const size = [multiplyDims(symbolicDim('H'), 2), 8] as const;
    expect(formatType(resize.infer([type('f32[N, 3, H, W]')], { size, mode: 'nearest' }))).toBe('f32[N, 3, 2*H, 8]');
  });

  it('moves integers as they are where it mixes none', () => {
    const data = Int8Array.of(-128, 5, 77, 127);
    const y = resize.evaluate([{ dtype: 'i8', shape: [1, 1, 2, 2], data }], { size: [2, 4], mode: 'nearest' });
    expect(y).toEqual({ dtype: 'i8', shape: [1, 1, 2, 4], data: Int8Array.of(-128, -128, 5, 5, 77, 77, 127, 127) });
  });

  it('refuses what does not fit', () => {
    const refuse = (operand: string, size: readonly [number, number], mode: string, code: string, message: string) =>
      expectFault(resize, [operand], { size, mode }, code, message);
    refuse('f32[N, 3]', [2, 2], 'nearest', 'E0301', 'cannot resize f32[N, 3]: its rank is 2, not 4');
    refuse('u8[N, 3, 4, 4]', [2, 2], 'bilinear', 'E0302', 'cannot resize u8[N, 3, 4, 4]: the elements must be f32');
    refuse('f32[N, 3, 4, 4]', [0, 2], 'nearest', 'E0310', 'a size must be an integer of at least 1, not 0');
    refuse('f32[N, 3, 4, 4]', [2, 2], 'cubic', 'E0310', 'mode must be nearest or bilinear, not cubic');
  });
});
