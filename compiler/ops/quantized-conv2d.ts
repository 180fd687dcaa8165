/** `quantizedConv2d`: an i8 convolution with its bias, residual, clamp and table, exact to the bit on every device. */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { shapesEqual } from '../ir/dim.ts';
import { conv2d, type Conv2dAttrs } from './conv2d.ts';
import { expectAtMost, expectInteger, operand } from './rules/expect.ts';
import {
  clampTo,
  expectClamp,
  expectI8,
  expectList,
  expectType,
  exactF32,
  lookUpIn,
  rescale,
  roundHalfEven,
  type Clamp,
} from './rules/integer.ts';
import { concreteShape } from './rules/storage.ts';

/**
 * Operands: x i8 `[N, C, H, W]`, weight i8 `[O, C/groups, KH, KW]`, bias i32 `[O]`, residual? i8 as the result.
 *
 *     acc = bias[o] + sum(x * w)                      exact in i32; x is padded with inputZero, and the bias
 *                                                     holds -inputZero * sum(w[o]) already
 *     p = f32(exactF32(acc) * multiplier[o])          one f32 product; exactF32 as in rules/integer.ts
 *     without residual: q = clamp(round_half_even(p) + outputZero, min, max)
 *     with residual:    t = i32(clamp(round_half_even(p * 2^shift), -2^29, 2^29))
 *                       u = t + (residual - residualZero) * residualMultiplier + 2^(shift - 1)
 *                       q = clamp((u >> shift) + outputZero, min, max)
 *     with a table:     q = table[q + 128]
 *
 * `p * 2^shift` is exact as long as it is a normal number, so a kernel may scale the multiplier instead. All that
 * follows the one product is integer, so nothing depends on contraction or on the order of sums.
 */
export type QuantizedConv2dAttrs = Conv2dAttrs &
  Clamp & {
    readonly inputZero: number;
    /** `f32[O]`: scale of x times scale of the weight's channel, divided by the scale of the result. */
    readonly multiplier: Tensor;
    /** The i8 that stands for 0 in the residual; 0 where there is none. */
    readonly residualZero: number;
    /** Scale of the residual in units of `2^-shift` of the result's scale; at most 2^21 in size. */
    readonly residualMultiplier: number;
    /** 1 to 16 with a residual, else 0. */
    readonly shift: number;
    /** `i8[256]`, applied last. */
    readonly table?: Tensor;
  };

const action = 'convolve';

const asFloat = (type: TensorType): TensorType => ({ dtype: 'f32', shape: type.shape });

function expectResidual(residual: TensorType | undefined, result: TensorType, attrs: QuantizedConv2dAttrs): void {
  expectI8(attrs.residualZero, 'residualZero');
  expectInteger(attrs.shift, residual ? 1 : 0, 'shift');
  expectInteger(Math.abs(attrs.residualMultiplier), 0, 'residualMultiplier');
  if (attrs.shift > 16) throw new OpError('E0310', `shift must be at most 16, not ${attrs.shift}`);
  if (Math.abs(attrs.residualMultiplier) > 2 ** 21) {
    throw new OpError('E0310', `residualMultiplier must be at most 2^21, not ${attrs.residualMultiplier}`);
  }
  if (!residual) return;
  expectType(residual, 'i8', 'add', 3);
  if (shapesEqual(residual.shape, result.shape)) return;
  throw new OpError('E0305', `cannot add ${formatType(residual)} to ${formatType(result)}`, { input: 3 });
}

function infer(inputs: readonly TensorType[], attrs: QuantizedConv2dAttrs): TensorType {
  const [x, weight, bias] = [operand(inputs, 0, action), operand(inputs, 1, action), operand(inputs, 2, action)];
  expectAtMost(inputs, 4, action);
  expectType(x, 'i8', action, 0);
  expectType(weight, 'i8', action, 1);
  expectType(bias, 'i32', action, 2);
  const { shape } = conv2d.infer([asFloat(x), asFloat(weight), asFloat(bias)], attrs);
  expectI8(attrs.inputZero, 'inputZero');
  expectClamp(attrs);
  expectList(attrs.multiplier, 'f32', Number(weight.shape[0]), 'multiplier');
  if (attrs.table) expectList(attrs.table, 'i8', 256, 'table');
  const result: TensorType = { dtype: 'i8', shape };
  expectResidual(inputs[3], result, attrs);
  return result;
}

/**
 * The sums of i32. They are those of a convolution of `x - inputZero` in padding of zeros, with `inputZero` times the
 * sum of each filter added back; float64 holds them exactly.
 */
function accumulate(inputs: readonly Tensor[], attrs: QuantizedConv2dAttrs): Int32Array {
  const [x, weight, bias] = [operand(inputs, 0, action), operand(inputs, 1, action), operand(inputs, 2, action)];
  const outputs = weight.shape[0] ?? 1;
  const length = weight.data.length / outputs;
  const float = (tensor: Tensor, data: Float64Array): Tensor => ({ dtype: 'f32', shape: tensor.shape, data });
  const shifted = Float64Array.from(x.data, (q) => q - attrs.inputZero);
  const biases = Float64Array.from(bias.data);
  for (let output = 0; output < outputs; output++) {
    let sum = 0;
    for (let at = output * length; at < (output + 1) * length; at++) sum += weight.data[at] ?? 0;
    biases[output] = (biases[output] ?? 0) + attrs.inputZero * sum;
  }
  const operands = [float(x, shifted), float(weight, Float64Array.from(weight.data)), float(bias, biases)];
  // A sum beyond i32 wraps, as it does on a device.
  return Int32Array.from(conv2d.evaluate(operands, attrs).data, (sum) => sum | 0);
}

function evaluate(inputs: readonly Tensor[], attrs: QuantizedConv2dAttrs): Tensor {
  const shape = concreteShape(infer(inputs, attrs));
  const [, outputs = 1, height = 1, width = 1] = shape;
  const [sums, residual] = [accumulate(inputs, attrs), inputs[3]];
  const unit = 2 ** attrs.shift;
  const data = new Int8Array(elementCount(shape));
  for (let at = 0; at < data.length; at++) {
    const multiplier = attrs.multiplier.data[Math.floor(at / (height * width)) % outputs] ?? 0;
    const sum = sums[at] ?? 0;
    let steps = rescale(sum, multiplier);
    if (residual) {
      const product = Math.fround(exactF32(sum) * multiplier) * unit;
      const fine = clampTo(roundHalfEven(product), -(2 ** 29), 2 ** 29);
      const offset = ((residual.data[at] ?? 0) - attrs.residualZero) * attrs.residualMultiplier;
      steps = (fine + offset + unit / 2) >> attrs.shift;
    }
    const q = clampTo(steps + attrs.outputZero, attrs.min, attrs.max);
    data[at] = attrs.table ? lookUpIn(attrs.table, q) : q;
  }
  return { dtype: 'i8', shape, data };
}

const plain = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 } as const;
const withResidual = { residualZero: -7, residualMultiplier: 41_943, shift: 16 } as const;
const same = [1, 1, 1, 1] as const;

function sample(
  name: string,
  x: readonly number[],
  weight: readonly number[],
  attrs: Partial<QuantizedConv2dAttrs> = {},
): Sample<QuantizedConv2dAttrs> {
  const [outputs = 1, ...filter] = weight;
  // Sums of this many products of uniform i8 values spread by about 74^2 times the root of their number.
  const multiplier = Float32Array.from(
    { length: outputs },
    (_, index) => (0.5 + (index % 5) / 4) / (90 * Math.sqrt(elementCount(filter))),
  );
  const all: QuantizedConv2dAttrs = {
    ...plain,
    inputZero: -128,
    multiplier: { dtype: 'f32', shape: [outputs], data: multiplier },
    outputZero: -3,
    min: -128,
    max: 127,
    residualZero: 0,
    residualMultiplier: 0,
    shift: 0,
    ...attrs,
  };
  const inputs = [
    { shape: x, dtype: 'i8', range: [-128, 127] },
    { shape: weight, dtype: 'i8', constant: true, range: [-127, 127] },
    { shape: [outputs], dtype: 'i32', constant: true, range: [-20_000, 20_000] },
  ] as const;
  if (all.shift === 0) return { name, inputs, attrs: all };
  const shape = conv2d.infer([asFloat({ dtype: 'i8', shape: x }), asFloat({ dtype: 'i8', shape: weight })], all).shape;
  return { name, inputs: [...inputs, { shape: shape.map(Number), dtype: 'i8', range: [-128, 127] }], attrs: all };
}

const bump: Tensor = {
  dtype: 'i8',
  shape: [256],
  data: Int8Array.from({ length: 256 }, (_, index) => Math.round(100 * Math.tanh((index - 128) / 50)) + 20),
};

const samples: readonly Sample<QuantizedConv2dAttrs>[] = [
  sample('1x1', [1, 8, 5, 5], [8, 8, 1, 1]),
  sample('1x1 unaligned channels', [2, 5, 7, 3], [6, 5, 1, 1], { inputZero: 11 }),
  sample('1x1 many channels', [1, 70, 6, 6], [66, 70, 1, 1]),
  sample('1x1 on one cell', [2, 16, 1, 1], [7, 16, 1, 1], { inputZero: 3 }),
  sample('1x1 stride 2', [1, 6, 7, 5], [10, 6, 1, 1], { stride: [2, 2] }),
  sample('3x3 same', [2, 8, 8, 8], [16, 8, 3, 3], { padding: same }),
  sample('3x3 same, zero inside', [2, 8, 8, 8], [16, 8, 3, 3], { padding: same, inputZero: 5 }),
  sample('3x3 unaligned, zero inside', [1, 5, 8, 6], [6, 5, 3, 3], {
    stride: [2, 2],
    padding: [0, 1, 1, 0],
    inputZero: -9,
  }),
  sample('3x3 stem of 3 channels', [1, 3, 9, 9], [8, 3, 3, 3], { stride: [2, 2], padding: same, inputZero: 7 }),
  sample('3x3 relu', [1, 12, 6, 7], [20, 12, 3, 3], { padding: same, outputZero: -128, min: -128 }),
  sample('3x3 relu6', [1, 12, 6, 7], [20, 12, 3, 3], { padding: same, outputZero: -100, min: -100, max: 60 }),
  sample('3x3 valid', [1, 4, 6, 7], [5, 4, 3, 3]),
  sample('3x3 dilation 2', [1, 4, 9, 9], [6, 4, 3, 3], { dilation: [2, 2], padding: [2, 2, 2, 2], inputZero: 1 }),
  sample('3x3 residual', [2, 8, 6, 6], [8, 8, 3, 3], { padding: same, ...withResidual, outputZero: -128 }),
  sample('1x1 residual unaligned', [1, 6, 5, 5], [7, 6, 1, 1], { ...withResidual, residualMultiplier: -30_000 }),
  sample('1x1 residual of a low shift', [1, 16, 4, 5], [12, 16, 1, 1], {
    residualZero: 4,
    residualMultiplier: 3,
    shift: 2,
  }),
  sample('3x3 table', [1, 6, 5, 5], [7, 6, 3, 3], { padding: same, table: bump }),
  sample('3x3 residual and table', [1, 6, 5, 5], [6, 6, 3, 3], { padding: same, ...withResidual, table: bump }),
  sample('3x3 two groups', [2, 8, 6, 6], [12, 4, 3, 3], { groups: 2, padding: same }),
  sample('3x3 unaligned groups', [1, 6, 5, 5], [9, 2, 3, 3], { groups: 3, padding: same, inputZero: 2 }),
  sample('5x5 stride 2', [1, 3, 11, 12], [6, 3, 5, 5], { stride: [2, 2], padding: [2, 2, 2, 2] }),
  sample('3x2 unequal on every side', [2, 5, 11, 9], [6, 5, 3, 2], {
    stride: [2, 3],
    padding: [2, 1, 0, 3],
    dilation: [1, 2],
    inputZero: 13,
  }),
  sample('2x5 unequal on every side', [1, 4, 8, 13], [17, 4, 2, 5], {
    stride: [3, 1],
    padding: [0, 3, 1, 2],
    inputZero: -50,
  }),
  sample('2x3 unequal, two groups', [1, 8, 7, 10], [12, 4, 2, 3], {
    stride: [1, 2],
    padding: [1, 0, 2, 3],
    groups: 2,
    inputZero: 4,
  }),
  sample('3x2 unequal, unaligned groups', [1, 6, 9, 7], [9, 2, 3, 2], {
    stride: [2, 1],
    padding: [0, 2, 3, 1],
    groups: 3,
    inputZero: -7,
  }),
  sample('1x1 unequal strides and padding', [1, 6, 9, 8], [8, 6, 1, 1], {
    stride: [3, 2],
    padding: [1, 0, 2, 3],
    inputZero: 21,
  }),
  sample('1x7', [1, 4, 5, 9], [4, 4, 1, 7], { padding: [0, 3, 0, 3], inputZero: -1 }),
  sample('depthwise 3x3', [2, 8, 7, 7], [8, 1, 3, 3], { groups: 8, padding: same }),
  sample('depthwise 3x3, zero inside', [2, 8, 7, 7], [8, 1, 3, 3], { groups: 8, padding: same, inputZero: 33 }),
  sample('depthwise unaligned', [1, 6, 6, 5], [6, 1, 3, 3], { groups: 6, padding: same }),
  sample('depthwise stride 2', [1, 9, 9, 8], [9, 1, 3, 3], { groups: 9, stride: [2, 2], padding: same }),
  sample('depthwise 3x2 unequal on every side', [2, 6, 11, 9], [6, 1, 3, 2], {
    groups: 6,
    stride: [2, 3],
    padding: [2, 1, 0, 3],
    dilation: [1, 2],
    inputZero: 13,
  }),
  sample('depthwise 2x5 unequal on every side', [1, 8, 8, 13], [8, 1, 2, 5], {
    groups: 8,
    stride: [3, 1],
    padding: [0, 3, 1, 2],
    inputZero: -50,
  }),
  sample('depthwise 5x5, table', [1, 8, 9, 9], [8, 1, 5, 5], { groups: 8, padding: [2, 2, 2, 2], table: bump }),
  sample('depthwise residual', [1, 8, 6, 6], [8, 1, 3, 3], { groups: 8, padding: same, ...withResidual }),
  sample('depthwise multiplier 2', [1, 6, 6, 6], [12, 1, 3, 3], { groups: 6, padding: same }),
  // More than 2^24 of sum, so that the rounding to multiples of 256 shows.
  sample('sums beyond 2^24', [1, 1100, 2, 2], [4, 1100, 3, 3], {
    padding: same,
    inputZero: 127,
    multiplier: { dtype: 'f32', shape: [4], data: Float32Array.of(2e-6, 7e-6, 3.3e-6, 1.1e-5) },
  }),
];

export const quantizedConv2d: Op<QuantizedConv2dAttrs> = {
  name: 'quantizedConv2d',
  summary: 'an i8 convolution, rescaled, clamped and mapped to i8 again',
  operands: ['x', 'weight', 'bias', 'residual?'],
  infer,
  evaluate,
  macs: (inputs, result, attrs) => conv2d.macs?.(inputs.slice(0, 2), result, attrs) ?? 0,
  samples,
};
