/** `conv2d`: cross-correlation of `[N, C, H, W]` with `[O, C/groups, KH, KW]`, as deep learning's convolution is. */
import { dimsEqual, divideDimExactly, formatDim, multiplyDims, productOf, type Dim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import {
  expectAtMost,
  expectChannels,
  expectFloat,
  expectInteger,
  expectRank,
  operand,
  type Pads,
  type Pair,
} from './rules/expect.ts';
import { concreteShape, float64Of } from './rules/storage.ts';
import { expectWindows, windowGrid } from './rules/window.ts';

export type Conv2dAttrs = {
  readonly stride: Pair;
  readonly padding: Pads;
  readonly dilation: Pair;
  readonly groups: number;
};

const action = 'convolve';

/** Throws E0304 where the groups divide a channel count with a remainder, E0303 where the counts differ. */
function checkChannels(x: TensorType, weight: TensorType, groups: number): void {
  const [, channels = 1] = x.shape;
  const [outputs = 1, perGroup = 1] = weight.shape;
  for (const [input, count] of [channels, outputs].entries()) {
    if (divideDimExactly(count, groups) !== undefined) continue;
    const name = input === 0 ? 'channels of' : 'output channels of the weight';
    const type = formatType(input === 0 ? x : weight);
    throw new OpError('E0304', `${groups} groups do not divide the ${formatDim(count)} ${name} ${type}`, { input });
  }
  if (dimsEqual(multiplyDims(perGroup, groups), channels)) return;
  const inGroups = groups === 1 ? '' : ` in ${groups} groups`;
  const wanted = formatDim(divideDimExactly(channels, groups) ?? channels);
  throw new OpError('E0303', `cannot convolve ${formatType(x)} with ${formatType(weight)}${inGroups}`, {
    help: `axis 1 of the weight must be ${wanted}, not ${formatDim(perGroup)}`,
    input: 1,
  });
}

function kernelOf(weight: TensorType): Pair {
  const [, , height, width] = weight.shape;
  if (typeof height === 'number' && typeof width === 'number') return [height, width];
  throw new OpError('E0309', `the kernel of ${formatType(weight)} has no fixed size`, { input: 1 });
}

function infer(inputs: readonly TensorType[], attrs: Conv2dAttrs): TensorType {
  const [x, weight, bias] = [operand(inputs, 0, action), operand(inputs, 1, action), inputs[2]];
  expectAtMost(inputs, 3, action);
  expectFloat(inputs, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  expectRank(weight, 4, 'convolve with', '[O, C/groups, KH, KW]', 1);
  expectInteger(attrs.groups, 1, 'groups');
  checkChannels(x, weight, attrs.groups);
  const windows = { ...attrs, kernel: kernelOf(weight) };
  expectWindows(windows);
  const [batch = 1] = x.shape;
  const [outputs = 1] = weight.shape;
  if (bias) expectChannels(bias, outputs, 'bias', 2);
  return { dtype: 'f32', shape: [batch, outputs, ...windowGrid(x, windows, action)] };
}

/** Sizes of one group of one image. */
interface Geometry {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly kernel: Pair;
  readonly attrs: Conv2dAttrs;
  readonly columns: number;
}

/** Copies the window of output cell `cell`, zeros for padding, to `patch` in the order of a filter's weights. */
function copyPatch(x: Float64Array, base: number, cell: number, patch: Float64Array, geometry: Geometry): void {
  const { channels, height, width, kernel, attrs, columns } = geometry;
  const [kernelHeight, kernelWidth] = kernel;
  const [downStep, rightStep] = attrs.dilation;
  const top = Math.floor(cell / columns) * attrs.stride[0] - attrs.padding[0];
  const left = (cell % columns) * attrs.stride[1] - attrs.padding[1];
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    const plane = base + channel * height * width;
    for (let down = 0, row = top; down < kernelHeight; down++, row += downStep) {
      const line = plane + row * width;
      const rowInside = row >= 0 && row < height;
      for (let right = 0, column = left; right < kernelWidth; right++, column += rightStep) {
        patch[at++] = rowInside && column >= 0 && column < width ? (x[line + column] ?? 0) : 0;
      }
    }
  }
}

type Patches = readonly [Float64Array, Float64Array, Float64Array, Float64Array];

/** Products of one filter with four patches at once, which reads the filter once and keeps four sums in flight. */
function correlate(weight: Float64Array, start: number, patches: Patches, bias: number, sums: Float64Array): void {
  const [p, q, r, s] = patches;
  let [a, b, c, d] = [0, 0, 0, 0];
  for (let at = 0; at < p.length; at++) {
    const w = weight[start + at] ?? 0;
    a += w * (p[at] ?? 0);
    b += w * (q[at] ?? 0);
    c += w * (r[at] ?? 0);
    d += w * (s[at] ?? 0);
  }
  sums[0] = a + bias;
  sums[1] = b + bias;
  sums[2] = c + bias;
  sums[3] = d + bias;
}

function evaluate(inputs: readonly Tensor[], attrs: Conv2dAttrs): Tensor {
  const [x, weight, bias] = [operand(inputs, 0, action), operand(inputs, 1, action), inputs[2]];
  const shape = concreteShape(infer(inputs, attrs));
  const [batch = 1, outputs = 1, rows = 1, columns = 1] = shape;
  const [, allChannels = 1, height = 1, width = 1] = x.shape;
  const [, channels = 1] = weight.shape;
  const kernel = kernelOf(weight);
  const geometry: Geometry = { channels, height, width, kernel, attrs, columns };
  const [source, filters] = [float64Of(x), float64Of(weight)];
  const biases = bias ? float64Of(bias) : new Float64Array(outputs);
  const length = channels * kernel[0] * kernel[1];
  const newPatch = (): Float64Array => new Float64Array(length);
  const patches: Patches = [newPatch(), newPatch(), newPatch(), newPatch()];
  const sums = new Float64Array(4);
  const [cells, perGroup] = [rows * columns, outputs / attrs.groups];
  const result = new Float64Array(elementCount(shape));
  for (let image = 0; image < batch; image++) {
    for (let group = 0; group < attrs.groups; group++) {
      const base = (image * allChannels + group * channels) * height * width;
      for (let cell = 0; cell < cells; cell += 4) {
        const count = Math.min(4, cells - cell);
        for (let index = 0; index < count; index++) {
          copyPatch(source, base, cell + index, patches[index] ?? patches[0], geometry);
        }
        for (let output = group * perGroup; output < (group + 1) * perGroup; output++) {
          correlate(filters, output * length, patches, biases[output] ?? 0, sums);
          const at = (image * outputs + output) * cells + cell;
          for (let index = 0; index < count; index++) result[at + index] = sums[index] ?? 0;
        }
      }
    }
  }
  return { dtype: 'f32', shape, data: result };
}

/** Multiply-accumulates as torchvision counts them: the bias is free. */
function macs(inputs: readonly TensorType[], result: TensorType): Dim {
  const [, ...filter] = operand(inputs, 1, action).shape;
  return multiplyDims(productOf(result.shape), productOf(filter));
}

const plain: Conv2dAttrs = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };

function sample(
  name: string,
  x: readonly number[],
  weight: readonly number[],
  attrs: Partial<Conv2dAttrs> = {},
  bias = true,
): Sample<Conv2dAttrs> {
  const [outputs = 1] = weight;
  const biases = bias ? [{ shape: [outputs], constant: true } as const] : [];
  return {
    name,
    inputs: [{ shape: x }, { shape: weight, constant: true }, ...biases],
    attrs: { ...plain, ...attrs },
  };
}

const samples: readonly Sample<Conv2dAttrs>[] = [
  sample('1x1', [1, 8, 5, 5], [8, 8, 1, 1]),
  sample('1x1 unaligned channels', [2, 5, 7, 3], [6, 5, 1, 1]),
  sample('1x1 without bias', [1, 12, 4, 4], [20, 12, 1, 1], {}, false),
  sample('1x1 stride 2', [1, 6, 7, 5], [10, 6, 1, 1], { stride: [2, 2] }),
  sample('1x1 on one cell', [2, 16, 1, 1], [7, 16, 1, 1]),
  sample('1x1 padded', [1, 4, 3, 3], [4, 4, 1, 1], { padding: [1, 1, 1, 1] }),
  sample('1x1 many channels', [1, 70, 6, 6], [66, 70, 1, 1]),
  sample('3x3 same', [2, 8, 8, 8], [16, 8, 3, 3], { padding: [1, 1, 1, 1] }),
  sample('3x3 valid', [1, 4, 6, 7], [5, 4, 3, 3]),
  sample('3x3 stem of 3 channels', [1, 3, 9, 9], [8, 3, 3, 3], { stride: [2, 2], padding: [1, 1, 1, 1] }, false),
  sample('3x3 one channel', [2, 1, 7, 6], [4, 1, 3, 3], { padding: [1, 1, 1, 1] }),
  sample('3x3 one output', [1, 6, 5, 5], [1, 6, 3, 3], { padding: [1, 1, 1, 1] }),
  sample('3x3 asymmetric padding', [1, 5, 8, 6], [6, 5, 3, 3], { stride: [2, 2], padding: [0, 1, 1, 0] }),
  sample('3x3 wide padding', [1, 4, 4, 4], [4, 4, 3, 3], { padding: [3, 4, 5, 3] }),
  sample('3x3 dilation 2', [1, 4, 9, 9], [6, 4, 3, 3], { dilation: [2, 2], padding: [2, 2, 2, 2] }),
  sample('3x3 dilation by axis', [1, 3, 9, 8], [4, 3, 3, 3], { dilation: [1, 3], padding: [1, 2, 0, 1] }),
  sample('3x3 stride by axis', [2, 4, 9, 8], [5, 4, 3, 3], { stride: [1, 2], padding: [1, 1, 1, 1] }),
  sample('3x3 stride 3', [1, 4, 10, 10], [4, 4, 3, 3], { stride: [3, 3] }),
  sample('3x3 many tiles', [1, 17, 19, 18], [35, 17, 3, 3], { padding: [1, 1, 1, 1] }),
  sample('3x3 two groups', [2, 8, 6, 6], [12, 4, 3, 3], { groups: 2, padding: [1, 1, 1, 1] }),
  sample('3x3 unaligned groups', [1, 6, 5, 5], [9, 2, 3, 3], { groups: 3, padding: [1, 1, 1, 1] }),
  sample('1x1 unaligned groups', [2, 10, 4, 4], [6, 5, 1, 1], { groups: 2 }),
  sample('5x5', [1, 4, 9, 9], [4, 4, 5, 5], { padding: [2, 2, 2, 2] }),
  sample('5x5 stride 2', [1, 3, 11, 12], [6, 3, 5, 5], { stride: [2, 2], padding: [2, 2, 2, 2] }),
  sample('7x7 stem', [1, 3, 15, 15], [8, 3, 7, 7], { stride: [2, 2], padding: [3, 3, 3, 3] }, false),
  sample('1x3', [1, 4, 6, 7], [6, 4, 1, 3], { padding: [0, 1, 0, 1] }),
  sample('3x1', [1, 5, 7, 6], [4, 5, 3, 1], { padding: [1, 0, 1, 0] }),
  sample('1x7', [1, 4, 5, 9], [4, 4, 1, 7], { padding: [0, 3, 0, 3] }),
  sample('3x2 unequal on every side', [2, 5, 11, 9], [6, 5, 3, 2], {
    stride: [2, 3],
    padding: [2, 1, 0, 3],
    dilation: [1, 2],
  }),
  sample('2x5 unequal on every side', [1, 4, 8, 13], [17, 4, 2, 5], { stride: [3, 1], padding: [0, 3, 1, 2] }),
  sample('2x3 unequal, two groups', [1, 8, 7, 10], [12, 4, 2, 3], { stride: [1, 2], padding: [1, 0, 2, 3], groups: 2 }),
  sample('3x2 unequal, unaligned groups', [1, 6, 9, 7], [9, 2, 3, 2], {
    stride: [2, 1],
    padding: [0, 2, 3, 1],
    groups: 3,
  }),
  sample('1x1 unequal strides and padding', [1, 6, 9, 8], [8, 6, 1, 1], { stride: [3, 2], padding: [1, 0, 2, 3] }),
  sample('kernel covers the input', [2, 6, 4, 5], [8, 6, 4, 5]),
  sample('depthwise 3x3', [2, 8, 7, 7], [8, 1, 3, 3], { groups: 8, padding: [1, 1, 1, 1] }),
  sample('depthwise unaligned', [1, 6, 6, 5], [6, 1, 3, 3], { groups: 6, padding: [1, 1, 1, 1] }),
  sample('depthwise stride 2', [1, 9, 9, 8], [9, 1, 3, 3], { groups: 9, stride: [2, 2], padding: [1, 1, 1, 1] }, false),
  sample('depthwise multiplier 2', [1, 6, 6, 6], [12, 1, 3, 3], { groups: 6, padding: [1, 1, 1, 1] }),
  sample('depthwise 5x5 stride 2', [1, 8, 9, 9], [8, 1, 5, 5], { groups: 8, stride: [2, 2], padding: [2, 2, 2, 2] }),
  sample('depthwise dilation 2', [1, 5, 8, 8], [5, 1, 3, 3], { groups: 5, dilation: [2, 2], padding: [2, 2, 2, 2] }),
  sample('depthwise 3x2 unequal on every side', [2, 6, 11, 9], [6, 1, 3, 2], {
    groups: 6,
    stride: [2, 3],
    padding: [2, 1, 0, 3],
    dilation: [1, 2],
  }),
  sample('depthwise 2x5 unequal on every side', [1, 8, 8, 13], [8, 1, 2, 5], {
    groups: 8,
    stride: [3, 1],
    padding: [0, 3, 1, 2],
  }),
  sample('depthwise asymmetric', [1, 4, 6, 6], [4, 1, 3, 3], { groups: 4, stride: [2, 2], padding: [0, 0, 1, 1] }),
];

export const conv2d: Op<Conv2dAttrs> = {
  name: 'conv2d',
  summary: 'two-dimensional convolution, grouped and dilated where asked',
  operands: ['x', 'weight', 'bias?'],
  infer,
  evaluate,
  macs,
  traits: { kind: 'layer' },
  samples,
};
