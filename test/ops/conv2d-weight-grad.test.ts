import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatType } from '../../compiler/ir/type.ts';
import { conv2d } from '../../compiler/ops/conv2d.ts';
import { conv2dWeightGrad, type Conv2dWeightGradAttrs } from '../../compiler/ops/conv2d-weight-grad.ts';
import { sumSlices } from '../../compiler/ops/sum-slices.ts';
import { arange, checkSamples, expectFault, expectTensor, f32, noise, type } from './check-op.ts';

const plain: Conv2dWeightGradAttrs = {
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  dilation: [1, 1],
  groups: 1,
  kernel: [2, 2],
};

const geometry = fc.record({
  batch: fc.integer({ min: 1, max: 3 }),
  groups: fc.integer({ min: 1, max: 3 }),
  channels: fc.integer({ min: 1, max: 3 }),
  outputs: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 4, max: 8 }),
  width: fc.integer({ min: 4, max: 8 }),
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  padding: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)),
  slices: fc.integer({ min: 1, max: 4 }),
});

const dot = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);

describe('conv2dWeightGrad', () => {
  it('correlates by hand', () => {
    const g = f32([1, 1, 2, 2], [1, 0, 0, 10]);
    const y = conv2dWeightGrad.evaluate([arange(1, 1, 3, 3), g], plain);
    expectTensor(y, { shape: [1, 1, 2, 2], data: [40, 51, 73, 84] });
  });

  // A convolution is linear in its weight, so the gradient is its adjoint: <g, conv(x, w)> = <dW, w> for every w.
  it('is the adjoint of the convolution by its weight', () => {
    fc.assert(
      fc.property(geometry, ({ slices, ...sizes }) => {
        fc.pre(sizes.kernel.every((size, side) => (sizes.dilation[side] ?? 1) * (size - 1) < 4));
        const { batch, channels, outputs, groups, height, width, kernel } = sizes;
        const x = noise([batch, channels * groups, height, width], 1);
        const w = noise([outputs * groups, channels, ...kernel], 2);
        const forward = conv2d.evaluate([x, w], sizes);
        const g = noise(forward.shape, 3);
        const parts = conv2dWeightGrad.evaluate([x, g], { ...sizes, slices });
        expect(parts.shape).toEqual([outputs * groups * slices, channels, ...kernel]);
        const grad = sumSlices.evaluate([parts], { slices });
        expect(grad.shape).toEqual(w.shape);
        expect(dot(grad.data, w.data)).toBeCloseTo(dot(g.data, forward.data), 9);
      }),
    );
  });

  it('cuts its sum at rows', () => {
    const x = f32([2, 1, 2, 1], [1, 2, 3, 4]);
    const attrs: Conv2dWeightGradAttrs = { ...plain, kernel: [1, 1], slices: 2 };
    const y = conv2dWeightGrad.evaluate([x, f32([2, 1, 2, 1], [1, 10, 100, 1000])], attrs);
    expectTensor(y, { shape: [2, 1, 1, 1], data: [21, 4300] });
  });

  checkSamples(conv2dWeightGrad);

  it('keeps a symbolic batch', () => {
    const result = conv2dWeightGrad.infer([type('f32[N, 4, 6, 6]'), type('f32[N, 6, 5, 5]')], plain);
    expect(formatType(result)).toBe('f32[6, 4, 2, 2]');
  });

  it('refuses what does not fit', () => {
    const uneven = '4 groups do not divide the 6 channels of f32[2, 6, 5, 5]';
    const pair = ['f32[2, 8, 6, 6]', 'f32[2, 6, 5, 5]'];
    expectFault(conv2dWeightGrad, pair, { ...plain, groups: 4 }, 'E0304', uneven);
    const grid = 'the gradient f32[2, 6, 6, 6] is not that of a convolution of f32[2, 8, 6, 6]';
    expectFault(conv2dWeightGrad, ['f32[2, 8, 6, 6]', 'f32[2, 6, 6, 6]'], plain, 'E0303', grid);
    const zero = 'slices must be an integer of at least 1, not 0';
    expectFault(conv2dWeightGrad, pair, { ...plain, slices: 0 }, 'E0310', zero);
  });
});
