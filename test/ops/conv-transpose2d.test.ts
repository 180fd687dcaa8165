import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDim } from '../../compiler/ir/dim.ts';
import { formatType } from '../../compiler/ir/type.ts';
import { conv2d } from '../../compiler/ops/conv2d.ts';
import { convTranspose2d, type ConvTranspose2dAttrs } from '../../compiler/ops/conv-transpose2d.ts';
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

const plain: ConvTranspose2dAttrs = {
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  outputPadding: [0, 0],
  dilation: [1, 1],
  groups: 1,
};

const dot = (a: Iterable<number>, b: Iterable<number>): number => {
  const other = [...b];
  return [...a].reduce((sum, value, index) => sum + value * (other[index] ?? Number.NaN), 0);
};

const side = fc.record({
  size: fc.integer({ min: 1, max: 5 }),
  kernel: fc.integer({ min: 1, max: 3 }),
  stride: fc.integer({ min: 1, max: 3 }),
  dilation: fc.integer({ min: 1, max: 2 }),
  before: fc.nat(2),
  after: fc.nat(2),
  extra: fc.nat(2),
});

describe('convTranspose2d', () => {
  it('places a kernel for each cell', () => {
    const kernel = f32([1, 1, 2, 2], [1, 2, 3, 4]);
    const y = convTranspose2d.evaluate([f32([1, 1, 1, 2], [1, 10]), kernel], { ...plain, stride: [2, 2] });
    expectTensor(y, { shape: [1, 1, 2, 4], data: [1, 2, 10, 20, 3, 4, 30, 40] });
  });

  it('adds where kernels overlap, and adds the bias once', () => {
    const y = convTranspose2d.evaluate([arange(1, 1, 1, 3), f32([1, 1, 1, 2], [1, 10]), f32([1], [0.5])], plain);
    expectTensor(y, { shape: [1, 1, 1, 4], data: [0.5, 1.5, 12.5, 20.5] });
  });

  it('is the adjoint of conv2d: <conv(y), x> = <y, transposed(x)>', () => {
    const groups = fc.integer({ min: 1, max: 2 });
    fc.assert(
      fc.property(side, side, groups, (rows, columns, count) => {
        for (const { extra, stride, dilation } of [rows, columns]) fc.pre(extra < stride || extra < dilation);
        const attrs: ConvTranspose2dAttrs = {
          stride: [rows.stride, columns.stride],
          padding: [rows.before, columns.before, rows.after, columns.after],
          outputPadding: [rows.extra, columns.extra],
          dilation: [rows.dilation, columns.dilation],
          groups: count,
        };
        const x = noise([2, 3 * count, rows.size, columns.size], 1);
        const weight = noise([3 * count, 2, rows.kernel, columns.kernel], 2);
        let transposed;
        try {
          transposed = convTranspose2d.evaluate([x, weight], attrs);
        } catch {
          fc.pre(false);
          return;
        }
        const y = noise(transposed.shape, 3);
        const { outputPadding: _, ...forward } = attrs;
        // Output padding can let one more window fit than x has cells; only what x has takes part.
        const image = conv2d.evaluate([y, weight], forward);
        fc.pre(image.shape.join() === x.shape.join());
        const [left, right] = [dot(image.data, x.data), dot(y.data, transposed.data)];
        expect(Math.abs(left - right)).toBeLessThan(1e-10);
      }),
      { numRuns: 200 },
    );
  });

  checkAgainstTorch(convTranspose2d, 'conv-transpose2d');
  checkSamples(convTranspose2d);
  checkSymbolicBatch(convTranspose2d);

  it('keeps symbolic sizes', () => {
    const attrs: ConvTranspose2dAttrs = { ...plain, stride: [2, 2] };
    const twice = convTranspose2d.infer([type('f32[N, 3, H, 4*W]'), type('f32[3, 8, 2, 2]')], attrs);
    expect(formatType(twice)).toBe('f32[N, 8, 2*H, 8*W]');
  });

  it('counts a product for each input cell and tap', () => {
    const inputs = [type('f32[N, 16, 8, 8]'), type('f32[16, 4, 3, 3]')];
    const attrs: ConvTranspose2dAttrs = { ...plain, stride: [2, 2], groups: 2 };
    const macs = convTranspose2d.macs?.(inputs, convTranspose2d.infer(inputs, attrs), attrs) ?? 0;
    expect(formatDim(macs)).toBe(`${16 * 8 * 8 * 4 * 9}*N`);
  });

  it('refuses what does not fit', () => {
    const [x, w] = ['f32[N, 6, 8, 8]', 'f32[6, 4, 3, 3]'];
    const refuse = (operands: readonly string[], attrs: Partial<ConvTranspose2dAttrs>, code: string, message: string) =>
      expectFault(convTranspose2d, operands, { ...plain, ...attrs }, code, message);
    refuse(['f32[N, 6]', w], {}, 'E0301', 'cannot convolve f32[N, 6]: its rank is 2, not 4');
    refuse(['i8[1, 6, 8, 8]', w], {}, 'E0302', 'cannot convolve i8[1, 6, 8, 8]: the elements must be f32');
    const weight = 'cannot convolve f32[N, 6, 8, 8] with the transposed weight f32[5, 4, 3, 3]';
    refuse([x, 'f32[5, 4, 3, 3]'], {}, 'E0303', weight);
    refuse([x, w, 'f32[4]'], { groups: 2 }, 'E0303', 'the bias f32[4] does not fit 8 channels');
    refuse([x, w], { groups: 4 }, 'E0304', '4 groups do not divide the 6 channels of f32[N, 6, 8, 8]');
    const cut = 'cannot convolve f32[1, 6, 1, 8]: padding cuts its height down to -1';
    refuse(['f32[1, 6, 1, 8]', w], { padding: [2, 0, 2, 0] }, 'E0306', cut);
    const extra = 'outputPadding 2 must be less than the stride 2 or the dilation 1';
    refuse([x, w], { stride: [2, 2], outputPadding: [2, 0] }, 'E0310', extra);
    refuse([x, w], { stride: [0, 1] }, 'E0310', 'stride must be an integer of at least 1, not 0');
    refuse([x], {}, 'E0314', 'cannot convolve: operand 2 is missing');
  });
});
