import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { pad } from '../../compiler/ops/pad.ts';
import {
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  f32,
  type,
} from './check-op.ts';

describe('pad', () => {
  it('surrounds the values', () => {
    const y = pad.evaluate([f32([1, 2], [1, 2])], { before: [1, 0], after: [0, 1], value: 9 });
    expectTensor(y, { shape: [2, 3], data: [9, 9, 9, 1, 2, 9] });
  });

  it('keeps integers', () => {
    const x = { dtype: 'i8', shape: [1], data: Int8Array.of(3) } as const;
    expect(pad.evaluate([x], { before: [1], after: [1], value: -128 }).data).toEqual(Int8Array.of(-128, 3, -128));
  });

  checkAgainstTorch(pad, 'pad');
  checkSamples(pad);
  checkSymbolicBatch(pad, ({ attrs }) => attrs.before[0] === 0 && attrs.after[0] === 0);

  it('adds to symbolic sizes', () => {
    const attrs = { before: [0, 0, 1, 0], after: [0, 2, 2, 0], value: 0 };
    expect(formatType(pad.infer([type('f32[N, 8, 4*H, W]')], attrs))).toBe('f32[N, 10, 4*H + 3, W]');
  });

  it('refuses what does not fit', () => {
    const none = [0, 0];
    const count = 'before must be a list of 2 integers';
    expectFault(pad, ['f32[N, 4]'], { before: [1], after: none, value: 0 }, 'E0310', count);
    const negative = 'after must be an integer of at least 0, not -1';
    expectFault(pad, ['f32[N, 4]'], { before: none, after: [0, -1], value: 0 }, 'E0310', negative);
    const value = 'the value 0.5 cannot be held as i8';
    expectFault(pad, ['i8[N, 4]'], { before: none, after: none, value: 0.5 }, 'E0310', value);
    expectFault(
      pad,
      ['u8[N, 4]'],
      { before: none, after: none, value: 256 },
      'E0310',
      'the value 256 cannot be held as u8',
    );
  });
});
