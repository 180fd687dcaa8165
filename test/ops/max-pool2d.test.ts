import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateDim } from '../../compiler/ir/dim.ts';
import { OpError } from '../../compiler/ir/op.ts';
import type { TensorType } from '../../compiler/ir/type.ts';
import { maxPool2d, type MaxPool2dAttrs } from '../../compiler/ops/max-pool2d.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  f32,
  type,
} from './check-op.ts';

const plain: MaxPool2dAttrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], ceilMode: false };

/** The type, or the fault's code. */
function inferOrCode(x: TensorType, attrs: MaxPool2dAttrs): readonly unknown[] | string {
  try {
    return maxPool2d.infer([x], attrs).shape;
  } catch (error) {
    if (error instanceof OpError) return error.code;
    throw error;
  }
}

describe('maxPool2d', () => {
  it('takes the largest of each window', () => {
    expectTensor(maxPool2d.evaluate([arange(1, 1, 4, 4)], plain), { shape: [1, 1, 2, 2], data: [5, 7, 13, 15] });
  });

  it('keeps integers and never takes padding', () => {
    const x = { dtype: 'i8', shape: [1, 1, 1, 2], data: Int8Array.of(-5, -7) } as const;
    const attrs: MaxPool2dAttrs = { ...plain, stride: [1, 1], padding: [1, 1, 1, 1] };
    const y = maxPool2d.evaluate([x], attrs);
    expect(y).toEqual({ dtype: 'i8', shape: [1, 1, 2, 3], data: Int8Array.of(-5, -5, -7, -5, -5, -7) });
  });

  it('passes NaN on', () => {
    const y = maxPool2d.evaluate([f32([1, 1, 2, 4], [1, Number.NaN, 3, 4, 9, 2, 5, 0])], plain);
    expect([...y.data]).toEqual([Number.NaN, 5]);
  });

  checkAgainstTorch(maxPool2d, 'max-pool2d');
  checkSamples(maxPool2d);
  checkSymbolicBatch(maxPool2d);

  it('infers symbolic sizes that agree with every concrete size', () => {
    const windows = fc.record({
      kernel: fc.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 })),
      stride: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
      ceilMode: fc.boolean(),
    });
    fc.assert(
      fc.property(windows, fc.tuple(fc.nat(2), fc.nat(2)), fc.integer({ min: 1, max: 3 }), (w, [down, right], h) => {
        const [tall, wide] = w.kernel.map((size) => Math.floor(size / 2));
        const attrs = {
          ...w,
          padding: [Math.min(down, tall ?? 0), Math.min(right, wide ?? 0), tall ?? 0, wide ?? 0] as const,
        };
        const symbolic = inferOrCode(type('f32[1, 2, 12*H, 24*H]'), attrs);
        const concrete = inferOrCode(type(`f32[1, 2, ${12 * h}, ${24 * h}]`), attrs);
        if (typeof symbolic === 'string') expect(symbolic).toBe(concrete);
        else expect(symbolic.map((dim) => evaluateDim(dim as never, { H: h }))).toEqual(concrete);
      }),
    );
  });

  it('refuses what does not fit', () => {
    const x = 'f32[N, 4, 7, 7]';
    expectFault(maxPool2d, ['f32[N, 4]'], plain, 'E0301', 'cannot pool f32[N, 4]: its rank is 2, not 4');
    const large = 'cannot pool f32[N, 4, 7, 7] with a kernel of width 8: the padded width is 7';
    expectFault(maxPool2d, [x], { ...plain, kernel: [2, 8] }, 'E0306', large);
    const wide = 'padding 2 is more than half of the kernel 3, so that a window could miss the input';
    expectFault(maxPool2d, [x], { ...plain, kernel: [3, 3], padding: [2, 0, 0, 0] }, 'E0310', wide);
    const step = 'cannot prove the width after a stride of 2 over f32[N, 4, 8, 3*W]';
    expectFault(maxPool2d, ['f32[N, 4, 8, 3*W]'], plain, 'E0309', step);
    expectFault(maxPool2d, [x, x], plain, 'E0314', 'cannot pool 2 operands: at most 1 can be taken');
  });
});
