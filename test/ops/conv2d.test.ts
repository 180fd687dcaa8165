import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDim } from '../../compiler/ir/dim.ts';
import { formatType } from '../../compiler/ir/type.ts';
import { conv2d, type Conv2dAttrs } from '../../compiler/ops/conv2d.ts';
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

const plain: Conv2dAttrs = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };

const geometry = fc.record({
  batch: fc.integer({ min: 1, max: 2 }),
  groups: fc.integer({ min: 1, max: 3 }),
  channels: fc.integer({ min: 1, max: 3 }),
  outputs: fc.integer({ min: 1, max: 3 }),
  height: fc.integer({ min: 4, max: 8 }),
  width: fc.integer({ min: 4, max: 8 }),
  kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
  dilation: fc.tuple(fc.integer({ min: 1, max: 2 }), fc.integer({ min: 1, max: 2 })),
  padding: fc.tuple(fc.nat(3), fc.nat(3), fc.nat(3), fc.nat(3)),
});

type Geometry = typeof geometry extends fc.Arbitrary<infer G> ? G : never;

/** The definition as a scatter: every input cell times every tap lands where the output grid meets it. */
function sumOfShiftedProducts(g: Geometry, x: Float64Array, w: Float64Array, shape: readonly number[]): Float64Array {
  const [, outputs = 1, rows = 1, columns = 1] = shape;
  const result = new Float64Array(shape.reduce((a, b) => a * b, 1));
  const allChannels = g.channels * g.groups;
  for (let image = 0; image < g.batch; image++)
    for (let output = 0; output < outputs; output++)
      for (let c = 0; c < g.channels; c++)
        for (let ky = 0; ky < g.kernel[0]; ky++)
          for (let kx = 0; kx < g.kernel[1]; kx++) {
            const tap = w[((output * g.channels + c) * g.kernel[0] + ky) * g.kernel[1] + kx] ?? 0;
            const channel = Math.floor(output / g.outputs) * g.channels + c;
            for (let y = 0; y < g.height; y++)
              for (let left = 0; left < g.width; left++) {
                const row = (y + g.padding[0] - ky * g.dilation[0]) / g.stride[0];
                const column = (left + g.padding[1] - kx * g.dilation[1]) / g.stride[1];
                if (!Number.isInteger(row) || !Number.isInteger(column)) continue;
                if (row < 0 || row >= rows || column < 0 || column >= columns) continue;
                const value = x[((image * allChannels + channel) * g.height + y) * g.width + left] ?? 0;
                const at = ((image * outputs + output) * rows + row) * columns + column;
                result[at] = (result[at] ?? 0) + tap * value;
              }
          }
  return result;
}

describe('conv2d', () => {
  it('slides a kernel by hand', () => {
    const y = conv2d.evaluate([arange(1, 1, 3, 3), f32([1, 1, 2, 2], [1, 0, 0, -1]), f32([1], [10])], plain);
    expectTensor(y, { shape: [1, 1, 2, 2], data: [6, 6, 6, 6] });
  });

  it('pads unevenly with zeros', () => {
    const attrs: Conv2dAttrs = { ...plain, padding: [0, 1, 0, 0] };
    const y = conv2d.evaluate([arange(1, 1, 1, 3), f32([1, 1, 1, 2], [1, 10])], attrs);
    expectTensor(y, { shape: [1, 1, 1, 3], data: [0, 10, 21] });
  });

  it('equals the sum of shifted products', () => {
    fc.assert(
      fc.property(geometry, (g) => {
        const x = noise([g.batch, g.channels * g.groups, g.height, g.width], 1);
        const w = noise([g.outputs * g.groups, g.channels, ...g.kernel], 2);
        const attrs = { stride: g.stride, padding: g.padding, dilation: g.dilation, groups: g.groups };
        fc.pre(g.kernel.every((size, side) => g.dilation[side === 0 ? 0 : 1] * (size - 1) < 4));
        const y = conv2d.evaluate([x, w], attrs);
        const data = sumOfShiftedProducts(g, Float64Array.from(x.data), Float64Array.from(w.data), y.shape);
        expectTensor(y, { shape: y.shape, data: [...data] });
      }),
      { numRuns: 150 },
    );
  });

  checkAgainstTorch(conv2d, 'conv2d');
  checkSamples(conv2d);
  checkSymbolicBatch(conv2d);

  it('keeps symbolic sizes where the stride divides them', () => {
    const attrs: Conv2dAttrs = { ...plain, stride: [2, 2], padding: [1, 1, 1, 1] };
    const result = conv2d.infer([type('f32[N, 3, 16*H, 4*W]'), type('f32[8, 3, 3, 3]')], attrs);
    expect(formatType(result)).toBe('f32[N, 8, 8*H, 2*W]');
  });

  it('counts multiply-accumulates without the bias', () => {
    const inputs = [type('f32[N, 16, 32, 32]'), type('f32[16, 8, 3, 3]'), type('f32[16]')];
    const attrs: Conv2dAttrs = { ...plain, padding: [1, 1, 1, 1], groups: 2 };
    const macs = conv2d.macs?.(inputs, conv2d.infer(inputs, attrs), attrs) ?? 0;
    expect(formatDim(macs)).toBe(`${32 * 32 * 16 * 8 * 9}*N`);
  });

  it('refuses what does not fit', () => {
    const [x, w] = ['f32[N, 6, 8, 8]', 'f32[4, 6, 3, 3]'];
    expectFault(conv2d, ['f32[N, 10]', w], plain, 'E0301', 'cannot convolve f32[N, 10]: its rank is 2, not 4');
    expectFault(conv2d, [x, 'f32[4, 6]'], plain, 'E0301', 'cannot convolve with f32[4, 6]: its rank is 2, not 4');
    expectFault(
      conv2d,
      ['i8[1, 6, 8, 8]', w],
      plain,
      'E0302',
      'cannot convolve i8[1, 6, 8, 8]: the elements must be f32',
    );
    expectFault(conv2d, [x, 'f32[4, 5, 3, 3]'], plain, 'E0303', 'cannot convolve f32[N, 6, 8, 8] with f32[4, 5, 3, 3]');
    expectFault(conv2d, [x, w, 'f32[5]'], plain, 'E0303', 'the bias f32[5] does not fit 4 channels');
    expectFault(conv2d, [x, w, 'f32[4, 1]'], plain, 'E0301', 'the bias f32[4, 1] has rank 2, not 1');
    const grouped = (groups: number): Conv2dAttrs => ({ ...plain, groups });
    expectFault(conv2d, [x, w], grouped(4), 'E0304', '4 groups do not divide the 6 channels of f32[N, 6, 8, 8]');
    const outputs = '3 groups do not divide the 4 output channels of the weight f32[4, 2, 3, 3]';
    expectFault(conv2d, [x, 'f32[4, 2, 3, 3]'], grouped(3), 'E0304', outputs);
    expectFault(conv2d, [x, w], grouped(0), 'E0310', 'groups must be an integer of at least 1, not 0');
    const large = 'cannot convolve f32[N, 6, 8, 8] with a kernel of height 9: the padded height is 8';
    expectFault(conv2d, [x, 'f32[4, 6, 3, 3]'], { ...plain, dilation: [4, 1] }, 'E0306', large);
    const step = 'cannot prove the height after a stride of 2 over f32[N, 6, H, 8]';
    expectFault(conv2d, ['f32[N, 6, H, 8]', w], { ...plain, stride: [2, 2] }, 'E0309', step);
    expectFault(
      conv2d,
      [x, w],
      { ...plain, stride: [1, 0] },
      'E0310',
      'stride must be an integer of at least 1, not 0',
    );
    const negative = 'padding must be an integer of at least 0, not -1';
    expectFault(conv2d, [x, w], { ...plain, padding: [0, 0, -1, 0] }, 'E0310', negative);
    expectFault(conv2d, [x], plain, 'E0314', 'cannot convolve: operand 2 is missing');
  });

  it('refuses attributes of the wrong form, as a text form may hold', () => {
    const attrs = { stride: 2, padding: [0, 0], dilation: [1, 1], groups: 1 } as unknown as Conv2dAttrs;
    expectFault(conv2d, ['f32[1, 6, 8, 8]', 'f32[4, 6, 3, 3]'], attrs, 'E0310', 'stride must be a list of 2 integers');
  });
});
