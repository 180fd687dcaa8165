import { describe, expect, it } from 'vitest';
import { maxPool2d } from '../../compiler/ops/max-pool2d.ts';
import { maxPool2dGrad } from '../../compiler/ops/max-pool2d-grad.ts';
import { dot } from './check-adjoint.ts';
import { checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32, noise } from './check-op.ts';

const plain = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], ceilMode: false } as const;

describe('maxPool2dGrad', () => {
  it('gives each gradient to the largest cell', () => {
    const x = f32([1, 1, 2, 4], [1, 4, 0, -1, 2, 3, -5, -2]);
    const back = maxPool2dGrad.evaluate([x, f32([1, 1, 1, 2], [10, 20])], plain);
    expectTensor(back, { shape: x.shape, data: [0, 10, 20, 0, 0, 0, 0, 0] });
  });

  it('gives it to the first of equals in row-major order', () => {
    const x = f32([1, 1, 3, 3], [0, 7, 7, 7, 7, 0, 0, 0, 0]);
    const back = maxPool2dGrad.evaluate([x, f32([1, 1, 1, 1], [5])], { ...plain, kernel: [3, 3] });
    expectTensor(back, { shape: x.shape, data: [0, 5, 0, 0, 0, 0, 0, 0, 0] });
  });

  it('adds up where windows overlap', () => {
    const x = f32([1, 1, 1, 3], [0, 9, 1]);
    const back = maxPool2dGrad.evaluate([x, f32([1, 1, 1, 2], [3, 4])], { ...plain, kernel: [1, 2], stride: [1, 1] });
    expectTensor(back, { shape: x.shape, data: [0, 7, 0] });
  });

  // Between random values no window changes its largest cell by a step of 1e-6.
  it.each(maxPool2dGrad.samples.filter(({ inputs }) => !inputs[0]?.whole))(
    'is the slope of the pool: $name',
    ({ inputs, attrs }) => {
      const [shape = [], pooled = []] = inputs.map((each) => each.shape);
      const [x, g, along] = [noise(shape, 1), noise(pooled, 2), noise(shape, 3)];
      const step = 1e-6;
      const moved = (sign: number) =>
        f32(
          shape,
          x.data.map((value: number, at: number) => value + sign * step * (along.data[at] ?? 0)),
        );
      const value = (sign: number) => dot(maxPool2d.evaluate([moved(sign)], attrs), g);
      const slope = (value(1) - value(-1)) / (2 * step);
      expect(Math.abs(slope - dot(maxPool2dGrad.evaluate([x, g], attrs), along))).toBeLessThan(1e-8);
    },
  );

  checkSamples(maxPool2dGrad);
  checkSymbolicBatch(maxPool2dGrad);

  it('refuses what does not fit', () => {
    const message = 'the gradient f32[N, 3, 2, 2] does not fit the pool f32[N, 3, 3, 2]';
    expectFault(maxPool2dGrad, ['f32[N, 3, 6, 4]', 'f32[N, 3, 2, 2]'], plain, 'E0303', message);
    const missing = 'cannot differentiate the pool of: operand 2 is missing';
    expectFault(maxPool2dGrad, ['f32[N, 3, 6, 4]'], plain, 'E0314', missing);
  });
});
