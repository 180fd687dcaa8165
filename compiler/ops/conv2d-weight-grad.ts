/** `conv2dWeightGrad`: the gradient of `conv2d` by its weight, a correlation of the input with the result's gradient. */
import { dimsEqual, divideDimExactly, formatDim, multiplyDims, productOf, type Dim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, expectInteger, expectRank, operand, type Pads, type Pair } from './rules/expect.ts';
import { concreteShape, float64Of } from './rules/storage.ts';
import { expectWindows, windowGrid } from './rules/window.ts';

export type Conv2dWeightGradAttrs = {
  /** Those of the convolution. */
  readonly stride: Pair;
  readonly padding: Pads;
  readonly dilation: Pair;
  readonly groups: number;
  readonly kernel: Pair;
  /**
   * How many partial sums the result holds one after the other on axis 0; 1 where left out. With R = N * OH rows of g,
   * sum s takes rows `s * ceil(R / slices)` up to the next.
   */
  readonly slices?: number;
};

const action = 'differentiate a convolution of';

/** Throws E0304 where the groups divide a channel count with a remainder, E0303 where g is not the result's shape. */
function checkShapes(x: TensorType, g: TensorType, attrs: Conv2dWeightGradAttrs): void {
  for (const [input, type] of [x, g].entries()) {
    const channels = type.shape[1] ?? 1;
    if (divideDimExactly(channels, attrs.groups) !== undefined) continue;
    const message = `${attrs.groups} groups do not divide the ${formatDim(channels)} channels of ${formatType(type)}`;
    throw new OpError('E0304', message, { input });
  }
  const grid = windowGrid(x, attrs, action);
  const wanted = [x.shape[0] ?? 1, g.shape[1] ?? 1, ...grid];
  if (wanted.every((size, axis) => dimsEqual(size, g.shape[axis] ?? 1))) return;
  throw new OpError('E0303', `the gradient ${formatType(g)} is not that of a convolution of ${formatType(x)}`, {
    help: `its shape must be [${wanted.map(formatDim).join(', ')}]`,
    input: 1,
  });
}

function infer(inputs: readonly TensorType[], attrs: Conv2dWeightGradAttrs): TensorType {
  const [x, g] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  expectAtMost(inputs, 2, action);
  expectFloat(inputs, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  expectRank(g, 4, 'take as a gradient', '[N, O, OH, OW]', 1);
  expectInteger(attrs.groups, 1, 'groups');
  expectInteger(attrs.slices ?? 1, 1, 'slices');
  expectWindows(attrs);
  checkShapes(x, g, attrs);
  const outputs = multiplyDims(g.shape[1] ?? 1, attrs.slices ?? 1);
  return { dtype: 'f32', shape: [outputs, divideDimExactly(x.shape[1] ?? 1, attrs.groups) ?? 1, ...attrs.kernel] };
}

/** One row of x under one row of g, where column `i` of g meets column `i * step + left` of x. */
interface Rows {
  readonly x: Float64Array;
  readonly from: number;
  readonly width: number;
  readonly step: number;
  readonly left: number;
  readonly g: Float64Array;
  readonly at: number;
  readonly columns: number;
}

function dotRows({ x, from, width, step, left, g, at, columns }: Rows): number {
  let sum = 0;
  for (let i = 0, column = left; i < columns; i++, column += step) {
    if (column >= 0 && column < width) sum += (g[at + i] ?? 0) * (x[from + column] ?? 0);
  }
  return sum;
}

/** `dW[o, i, ky, kx] = sum over n, y, x of g[n, o, y, x] * X[n, i, y*s + ky*d - top, x*s + kx*d - left]`. */
function evaluate(inputs: readonly Tensor[], attrs: Conv2dWeightGradAttrs): Tensor {
  const [x, g] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  const shape = concreteShape(infer(inputs, attrs));
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  const [, outputs = 1, rows = 1, columns = 1] = g.shape;
  const { stride, padding, dilation, groups, kernel, slices = 1 } = attrs;
  const [inputsOf, outputsOf, taps] = [channels / groups, outputs / groups, kernel[0] * kernel[1]];
  const perSlice = Math.ceil((batch * rows) / slices);
  const [source, gradient, result] = [float64Of(x), float64Of(g), new Float64Array(elementCount(shape))];
  for (let row = 0; row < batch * rows; row++) {
    const [image, down, slice] = [Math.floor(row / rows), row % rows, Math.floor(row / perSlice)];
    for (let output = 0; output < outputs; output++) {
      const at = ((image * outputs + output) * rows + down) * columns;
      const first = Math.floor(output / outputsOf) * inputsOf;
      for (let input = 0; input < inputsOf; input++) {
        const to = ((slice * outputs + output) * inputsOf + input) * taps;
        for (let tap = 0; tap < taps; tap++) {
          const y = down * stride[0] + Math.floor(tap / kernel[1]) * dilation[0] - padding[0];
          if (y < 0 || y >= height) continue;
          const from = ((image * channels + first + input) * height + y) * width;
          const left = (tap % kernel[1]) * dilation[1] - padding[1];
          const sum = dotRows({ x: source, from, width, step: stride[1], left, g: gradient, at, columns });
          result[to + tap] = (result[to + tap] ?? 0) + sum;
        }
      }
    }
  }
  return { dtype: 'f32', shape, data: result };
}

/** As many as the convolution itself has. */
function macs(inputs: readonly TensorType[], result: TensorType): Dim {
  const [, ...filter] = result.shape;
  return multiplyDims(productOf(operand(inputs, 1, action).shape), productOf(filter));
}

const plain: Conv2dWeightGradAttrs = {
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  dilation: [1, 1],
  groups: 1,
  kernel: [3, 3],
};

/** A sample from the convolution's input and outputs; the gradient's shape follows. */
function sample(
  name: string,
  x: readonly [number, number, number, number],
  outputs: number,
  attrs: Partial<Conv2dWeightGradAttrs> = {},
): Sample<Conv2dWeightGradAttrs> {
  const all = { ...plain, ...attrs };
  const grid = windowGrid({ dtype: 'f32', shape: x }, all, action).map(Number);
  return { name, inputs: [{ shape: x }, { shape: [x[0], outputs, ...grid] }], attrs: all };
}

const same = { padding: [1, 1, 1, 1] } as const;
const pointwise = { kernel: [1, 1] } as const;

const samples: readonly Sample<Conv2dWeightGradAttrs>[] = [
  sample('3x3 same', [2, 8, 8, 8], 16, same),
  sample('3x3 valid', [3, 4, 6, 7], 5),
  sample('3x3 of 3 channels', [2, 3, 9, 8], 8, same),
  sample('3x3 of 3 channels, stride 2', [2, 3, 9, 9], 8, { ...same, stride: [2, 2] }),
  sample('3x3 one channel, one output', [2, 1, 7, 6], 1, same),
  sample('3x3 unaligned', [2, 5, 6, 7], 6, same),
  sample('3x3 many channels', [2, 21, 5, 6], 35, same),
  sample('3x3 asymmetric padding', [2, 5, 8, 6], 6, { stride: [2, 2], padding: [0, 1, 1, 0] }),
  sample('3x3 wide padding', [1, 4, 4, 4], 4, { padding: [3, 4, 5, 3] }),
  sample('3x3 dilation 2', [2, 4, 9, 9], 6, { dilation: [2, 2], padding: [2, 2, 2, 2] }),
  sample('3x3 dilation by axis', [1, 3, 9, 8], 4, { dilation: [1, 3], padding: [1, 2, 0, 1] }),
  sample('3x3 stride by axis', [2, 4, 9, 8], 5, { ...same, stride: [1, 2] }),
  sample('3x3 stride 3, unread border', [2, 4, 11, 12], 4, { stride: [3, 3] }),
  sample('3x3 two groups', [2, 8, 6, 6], 12, { ...same, groups: 2 }),
  sample('3x3 two groups of eight outputs', [2, 8, 5, 6], 16, { ...same, groups: 2 }),
  sample('3x3 unaligned groups', [2, 6, 5, 5], 9, { ...same, groups: 3 }),
  sample('3x3 unaligned inputs of groups', [2, 12, 5, 5], 16, { ...same, groups: 2 }),
  sample('1x1', [3, 8, 5, 5], 12, pointwise),
  sample('1x1 unaligned', [2, 5, 7, 3], 6, pointwise),
  sample('1x1 many channels', [2, 37, 4, 5], 18, pointwise),
  sample('1x1 stride 2', [2, 6, 7, 5], 10, { ...pointwise, stride: [2, 2] }),
  sample('1x1 padded', [1, 4, 3, 3], 4, { ...pointwise, ...same }),
  sample('1x1 two groups', [2, 16, 4, 4], 8, { ...pointwise, groups: 2 }),
  sample('1x1 on one cell', [6, 18, 1, 1], 10, pointwise),
  sample('1x1 on one cell, two slices', [7, 12, 1, 1], 9, { ...pointwise, slices: 2 }),
  sample('5x5', [2, 4, 9, 9], 4, { kernel: [5, 5], padding: [2, 2, 2, 2] }),
  sample('5x5 stride 2', [2, 3, 11, 12], 6, { kernel: [5, 5], stride: [2, 2], padding: [2, 2, 2, 2] }),
  sample('7x7 stem', [2, 3, 15, 15], 8, { kernel: [7, 7], stride: [2, 2], padding: [3, 3, 3, 3] }),
  sample('3x2 unequal on every side', [2, 5, 11, 9], 6, {
    kernel: [3, 2],
    stride: [2, 3],
    padding: [2, 1, 0, 3],
    dilation: [1, 2],
  }),
  sample('2x5 unequal on every side', [1, 4, 8, 13], 17, { kernel: [2, 5], stride: [3, 1], padding: [0, 3, 1, 2] }),
  sample('2x3 unequal, two groups', [1, 8, 7, 10], 12, {
    kernel: [2, 3],
    stride: [1, 2],
    padding: [1, 0, 2, 3],
    groups: 2,
  }),
  sample('3x2 unequal, unaligned groups', [1, 6, 9, 7], 9, {
    kernel: [3, 2],
    stride: [2, 1],
    padding: [0, 2, 3, 1],
    groups: 3,
  }),
  sample('depthwise 3x2 unequal on every side', [2, 6, 11, 9], 6, {
    groups: 6,
    kernel: [3, 2],
    stride: [2, 3],
    padding: [2, 1, 0, 3],
    dilation: [1, 2],
  }),
  sample('1x3', [1, 4, 6, 7], 6, { kernel: [1, 3], padding: [0, 1, 0, 1] }),
  sample('3x1', [1, 5, 7, 6], 4, { kernel: [3, 1], padding: [1, 0, 1, 0] }),
  sample('kernel covers the input', [3, 6, 4, 5], 8, { kernel: [4, 5] }),
  sample('depthwise 3x3', [2, 8, 7, 7], 8, { ...same, groups: 8 }),
  sample('depthwise unaligned', [2, 6, 6, 5], 6, { ...same, groups: 6 }),
  sample('depthwise stride 2', [2, 9, 9, 8], 9, { ...same, groups: 9, stride: [2, 2] }),
  sample('depthwise 5x5', [1, 8, 9, 9], 8, { groups: 8, kernel: [5, 5], padding: [2, 2, 2, 2] }),
  sample('depthwise dilation 2', [1, 5, 8, 8], 5, { groups: 5, dilation: [2, 2], padding: [2, 2, 2, 2] }),
  sample('depthwise asymmetric', [1, 4, 6, 6], 4, { groups: 4, stride: [2, 2], padding: [0, 0, 1, 1] }),
  sample('depthwise slices', [3, 8, 7, 7], 8, { ...same, groups: 8, slices: 4 }),
  sample('depthwise multiplier 2', [2, 6, 6, 6], 12, { ...same, groups: 6 }),
  sample('slices of rows', [2, 4, 7, 6], 8, { ...same, slices: 5 }),
  sample('slices of images', [4, 5, 4, 6], 6, { ...same, slices: 2 }),
  sample('more slices than rows', [1, 4, 3, 3], 4, { slices: 3 }),
  sample('1x1 slices', [3, 8, 5, 4], 12, { ...pointwise, slices: 4 }),
];

export const conv2dWeightGrad: Op<Conv2dWeightGradAttrs> = {
  name: 'conv2dWeightGrad',
  summary: 'the gradient of conv2d by its weight',
  operands: ['x', 'g'],
  infer,
  evaluate,
  macs,
  samples,
};
