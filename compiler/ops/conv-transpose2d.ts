/** `convTranspose2d`: the gradient of `conv2d` by its input, as upsampling layers use it (Dumoulin and Visin 2016, 4). */
import { addDims, dimsEqual, divideDimExactly, formatDim, multiplyDims, productOf, type Dim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import {
  expectAtMost,
  expectChannels,
  expectFloat,
  expectInteger,
  expectIntegers,
  expectRank,
  operand,
  type Pads,
  type Pair,
} from './rules/expect.ts';
import { concreteShape, float64Of } from './rules/storage.ts';
import { expectWindows } from './rules/window.ts';

export type ConvTranspose2dAttrs = {
  /** Rows and columns between two input cells in the result. */
  readonly stride: Pair;
  /** What is cut off the result. */
  readonly padding: Pads;
  /** Rows and columns added at the bottom and right, which tell apart sizes that a strided convolution merges. */
  readonly outputPadding: Pair;
  readonly dilation: Pair;
  readonly groups: number;
};

const action = 'convolve';

function checkChannels(x: TensorType, weight: TensorType, groups: number): void {
  const [, channels = 1] = x.shape;
  const [inputs = 1] = weight.shape;
  if (divideDimExactly(channels, groups) === undefined) {
    const message = `${groups} groups do not divide the ${formatDim(channels)} channels of ${formatType(x)}`;
    throw new OpError('E0304', message, { input: 0 });
  }
  if (dimsEqual(inputs, channels)) return;
  throw new OpError('E0303', `cannot convolve ${formatType(x)} with the transposed weight ${formatType(weight)}`, {
    help: `axis 0 of the weight must be ${formatDim(channels)}, not ${formatDim(inputs)}`,
    input: 1,
  });
}

function kernelOf(weight: TensorType): Pair {
  const [, , height, width] = weight.shape;
  if (typeof height === 'number' && typeof width === 'number') return [height, width];
  throw new OpError('E0309', `the kernel of ${formatType(weight)} has no fixed size`, { input: 1 });
}

function checkOutputPadding({ stride, dilation, outputPadding }: ConvTranspose2dAttrs): void {
  expectIntegers(outputPadding, 2, 0, 'outputPadding');
  outputPadding.forEach((size, side) => {
    const [step, spread] = side === 0 ? [stride[0], dilation[0]] : [stride[1], dilation[1]];
    if (size < step || size < spread) return;
    const message = `outputPadding ${size} must be less than the stride ${step} or the dilation ${spread}`;
    throw new OpError('E0310', message, { help: `add at most ${Math.max(step, spread) - 1}` });
  });
}

/** `(size - 1) * stride - pads + dilation * (kernel - 1) + outputPadding + 1` (torch.nn.ConvTranspose2d). */
function sizeOnSide(x: TensorType, kernel: Pair, attrs: ConvTranspose2dAttrs, side: 0 | 1): Dim {
  const size = x.shape[side + 2] ?? 1;
  const cut = attrs.padding[side] + attrs.padding[side === 0 ? 2 : 3];
  const extent = attrs.dilation[side] * (kernel[side] - 1) + 1;
  const result = addDims(multiplyDims(addDims(size, -1), attrs.stride[side]), extent - cut + attrs.outputPadding[side]);
  if (typeof result !== 'number' || result >= 1) return result;
  const name = side === 0 ? 'height' : 'width';
  throw new OpError('E0306', `cannot convolve ${formatType(x)}: padding cuts its ${name} down to ${result}`, {
    help: 'use less padding or a larger kernel',
    input: 0,
  });
}

function infer(inputs: readonly TensorType[], attrs: ConvTranspose2dAttrs): TensorType {
  const [x, weight, bias] = [operand(inputs, 0, action), operand(inputs, 1, action), inputs[2]];
  expectAtMost(inputs, 3, action);
  expectFloat(inputs, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  expectRank(weight, 4, 'convolve with', '[C, O/groups, KH, KW]', 1);
  expectInteger(attrs.groups, 1, 'groups');
  checkChannels(x, weight, attrs.groups);
  const kernel = kernelOf(weight);
  expectWindows({ ...attrs, kernel });
  checkOutputPadding(attrs);
  const outputs = multiplyDims(weight.shape[1] ?? 1, attrs.groups);
  if (bias) expectChannels(bias, outputs, 'bias', 2);
  const grid = [sizeOnSide(x, kernel, attrs, 0), sizeOnSide(x, kernel, attrs, 1)];
  return { dtype: 'f32', shape: [x.shape[0] ?? 1, outputs, ...grid] };
}

/** One plane of the input, one of the result, and the taps between them. */
interface Planes {
  readonly source: Float64Array;
  readonly from: number;
  readonly height: number;
  readonly width: number;
  readonly result: Float64Array;
  readonly to: number;
  readonly rows: number;
  readonly columns: number;
}

/** Adds `tap` times the source plane at its place: source cell (y, x) lands on `(y * s + top, x * t + left)`. */
function scatterPlane(planes: Planes, tap: number, [down, right]: Pair, top: number, left: number): void {
  const { source, from, height, width, result, to, rows, columns } = planes;
  for (let y = 0, row = top; y < height; y++, row += down) {
    if (row < 0 || row >= rows) continue;
    for (let x = 0, column = left; x < width; x++, column += right) {
      if (column < 0 || column >= columns) continue;
      const at = to + row * columns + column;
      result[at] = (result[at] ?? 0) + tap * (source[from + y * width + x] ?? 0);
    }
  }
}

function evaluate(inputs: readonly Tensor[], attrs: ConvTranspose2dAttrs): Tensor {
  const [x, weight, bias] = [operand(inputs, 0, action), operand(inputs, 1, action), inputs[2]];
  const shape = concreteShape(infer(inputs, attrs));
  const [batch = 1, outputs = 1, rows = 1, columns = 1] = shape;
  const [, channels = 1, height = 1, width = 1] = x.shape;
  const [kernelHeight, kernelWidth] = kernelOf(weight);
  const [taps, perGroup] = [kernelHeight * kernelWidth, outputs / attrs.groups];
  const [source, filters, biases] = [float64Of(x), float64Of(weight), bias ? float64Of(bias) : undefined];
  const result = new Float64Array(elementCount(shape));
  const plane = rows * columns;
  for (let at = 0; at < batch * outputs; at++) {
    result.fill(biases?.[at % outputs] ?? 0, at * plane, (at + 1) * plane);
  }
  for (let index = 0; index < batch * channels; index++) {
    const [image, channel] = [Math.floor(index / channels), index % channels];
    const first = image * outputs + Math.floor(channel / (channels / attrs.groups)) * perGroup;
    for (let output = 0; output < perGroup; output++) {
      const planes = { source, from: index * height * width, height, width, result, to: 0, rows, columns };
      for (let tap = 0; tap < taps; tap++) {
        const value = filters[(channel * perGroup + output) * taps + tap] ?? 0;
        const top = Math.floor(tap / kernelWidth) * attrs.dilation[0] - attrs.padding[0];
        const left = (tap % kernelWidth) * attrs.dilation[1] - attrs.padding[1];
        scatterPlane({ ...planes, to: (first + output) * plane }, value, attrs.stride, top, left);
      }
    }
  }
  return { dtype: 'f32', shape, data: result };
}

/** Every input cell meets every tap once, as fvcore and PyTorch's counter have it; the bias is free. */
function macs(inputs: readonly TensorType[]): Dim {
  const [, ...filter] = operand(inputs, 1, action).shape;
  return multiplyDims(productOf(operand(inputs, 0, action).shape), productOf(filter));
}

const plain: ConvTranspose2dAttrs = {
  stride: [1, 1],
  padding: [0, 0, 0, 0],
  outputPadding: [0, 0],
  dilation: [1, 1],
  groups: 1,
};

function sample(
  name: string,
  x: readonly number[],
  weight: readonly number[],
  attrs: Partial<ConvTranspose2dAttrs> = {},
  bias = true,
): Sample<ConvTranspose2dAttrs> {
  const outputs = (weight[1] ?? 1) * (attrs.groups ?? 1);
  const biases = bias ? [{ shape: [outputs], constant: true } as const] : [];
  return {
    name,
    inputs: [{ shape: x }, { shape: weight, constant: true }, ...biases],
    attrs: { ...plain, ...attrs },
  };
}

const twice = { stride: [2, 2] } as const;

const samples: readonly Sample<ConvTranspose2dAttrs>[] = [
  sample('2x2 stride 2', [2, 8, 4, 5], [8, 4, 2, 2], twice),
  sample('2x2 stride 2 unaligned', [1, 6, 5, 3], [6, 5, 2, 2], twice, false),
  sample('2x2 stride 2 many tiles', [1, 19, 9, 18], [19, 35, 2, 2], twice),
  sample('3x3 stride 1', [1, 4, 5, 6], [4, 6, 3, 3]),
  sample('3x3 stride 1 padded', [1, 5, 6, 5], [5, 3, 3, 3], { padding: [1, 1, 1, 1] }),
  sample('3x3 stride 2 padded', [2, 3, 5, 4], [3, 6, 3, 3], { ...twice, padding: [1, 1, 1, 1] }),
  sample('3x3 stride 2 output padding', [1, 4, 5, 4], [4, 8, 3, 3], {
    ...twice,
    padding: [1, 1, 1, 1],
    outputPadding: [1, 1],
  }),
  sample('4x4 stride 2 padded', [1, 6, 5, 7], [6, 7, 4, 4], { ...twice, padding: [1, 1, 1, 1] }),
  sample('2x2 stride 3 with gaps', [1, 4, 4, 3], [4, 5, 2, 2], { stride: [3, 3], outputPadding: [2, 1] }),
  sample('asymmetric padding', [1, 4, 5, 5], [4, 4, 3, 3], { ...twice, padding: [0, 2, 1, 0] }),
  sample('by axis', [2, 3, 4, 6], [3, 4, 3, 2], { stride: [1, 3], padding: [1, 0, 1, 0], dilation: [2, 1] }),
  sample('3x2 unequal on every side', [2, 5, 5, 4], [5, 6, 3, 2], {
    stride: [3, 2],
    padding: [2, 1, 0, 3],
    dilation: [1, 2],
    outputPadding: [2, 1],
  }),
  sample('2x5 unequal on every side', [1, 4, 4, 6], [4, 17, 2, 5], { stride: [1, 2], padding: [0, 3, 1, 2] }),
  sample('2x3 unequal, two groups', [1, 8, 4, 5], [8, 4, 2, 3], { stride: [2, 1], padding: [1, 0, 0, 2], groups: 2 }),
  sample('depthwise 3x2 unequal on every side', [2, 6, 5, 4], [6, 1, 3, 2], {
    groups: 6,
    stride: [2, 3],
    padding: [2, 1, 0, 3],
    outputPadding: [1, 2],
  }),
  sample('3x2 stride 1, unequal sides', [1, 5, 6, 7], [5, 6, 3, 2], { padding: [1, 0, 2, 1], dilation: [1, 2] }),
  sample('dilation beyond the stride', [1, 4, 5, 5], [4, 6, 3, 3], {
    ...twice,
    dilation: [3, 3],
    outputPadding: [2, 0],
  }),
  sample('padding beyond the kernel', [1, 4, 6, 7], [4, 4, 2, 2], { ...twice, padding: [3, 3, 2, 4] }),
  sample('one cell', [2, 7, 1, 1], [7, 6, 4, 4]),
  sample('1x1', [1, 6, 4, 4], [6, 9, 1, 1]),
  sample('one channel', [1, 1, 5, 4], [1, 1, 2, 2], twice),
  sample('two aligned groups', [1, 8, 4, 5], [8, 4, 2, 2], { ...twice, groups: 2 }),
  sample('two unaligned inputs', [1, 6, 4, 5], [6, 4, 3, 3], { ...twice, groups: 2, padding: [1, 1, 1, 1] }),
  sample('three unaligned groups', [2, 6, 4, 3], [6, 3, 3, 3], { ...twice, groups: 3, padding: [1, 0, 1, 0] }),
  sample('depthwise', [1, 6, 5, 4], [6, 1, 4, 4], { ...twice, groups: 6, padding: [1, 1, 1, 1] }, false),
  sample('depthwise stride 1', [2, 8, 6, 5], [8, 1, 3, 3], { groups: 8, padding: [1, 1, 1, 1] }),
  sample('depthwise 3x2 stride 1, unequal sides', [1, 6, 6, 5], [6, 1, 3, 2], { groups: 6, padding: [1, 0, 2, 1] }),
  sample('depthwise output padding', [2, 5, 4, 5], [5, 1, 3, 3], {
    ...twice,
    groups: 5,
    padding: [1, 1, 1, 1],
    outputPadding: [1, 1],
  }),
  sample('3x3 stride 1, asymmetric, dilated', [2, 6, 7, 8], [6, 5, 3, 3], {
    padding: [0, 2, 3, 1],
    dilation: [2, 1],
    outputPadding: [1, 0],
  }),
];

export const convTranspose2d: Op<ConvTranspose2dAttrs> = {
  name: 'convTranspose2d',
  summary: 'two-dimensional transposed convolution: a strided convolution backwards',
  operands: ['x', 'weight', 'bias?'],
  infer,
  evaluate,
  macs,
  traits: { kind: 'layer' },
  samples,
};
