/** `quantizedAveragePool`: the mean of each window of i8 values, where every window divides by the same number. */
import type { Op, Sample } from '../ir/op.ts';
import { elementCount, type Tensor, type TensorType } from '../ir/type.ts';
import { operand } from './rules/expect.ts';
import { clampTo, expectClamp, expectI8, expectScale, expectType, rescale, type Clamp } from './rules/integer.ts';
import { cut, foldWindows, inferPool, windowRanges, type Fold, type PoolAttrs } from './rules/pool.ts';
import { concreteShape } from './rules/storage.ts';

/**
 * `q = clamp(round_half_even(f32(exactF32(sum(x - inputZero)) * multiplier)) + outputZero, min, max)`, the sum over the
 * cells of the window that lie inside. A global pool has the kernel of its plane.
 */
export type QuantizedAveragePoolAttrs = PoolAttrs &
  Clamp & {
    readonly inputZero: number;
    /** Scale of x, divided by the scale of the result and by the cells that a mean divides by, as a float32. */
    readonly multiplier: number;
  };

const action = 'average';

function infer(inputs: readonly TensorType[], attrs: QuantizedAveragePoolAttrs): TensorType {
  expectType(operand(inputs, 0, action), 'i8', action, 0);
  expectI8(attrs.inputZero, 'inputZero');
  expectScale(attrs.multiplier, 'multiplier');
  expectClamp(attrs);
  return inferPool(inputs, attrs);
}

function evaluate(inputs: readonly Tensor[], attrs: QuantizedAveragePoolAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const [, , height = 1, width = 1] = x.shape;
  const mean: Fold = (source, base, [top, bottom], [left, right]) => {
    let sum = 0;
    for (let row = top; row < bottom; row++) {
      for (let at = base + row * width + left; at < base + row * width + right; at++) {
        sum += (source[at] ?? 0) - attrs.inputZero;
      }
    }
    return clampTo(rescale(sum, attrs.multiplier) + attrs.outputZero, attrs.min, attrs.max);
  };
  const rows = windowRanges(shape[2] ?? 1, attrs, 0).map((range) => cut(range, 0, height));
  const columns = windowRanges(shape[3] ?? 1, attrs, 1).map((range) => cut(range, 0, width));
  const data = new Int8Array(elementCount(shape));
  foldWindows(x, rows, columns, data, mean);
  return { dtype: 'i8', shape, data };
}

function sample(
  name: string,
  shape: readonly number[],
  attrs: Partial<QuantizedAveragePoolAttrs> = {},
): Sample<QuantizedAveragePoolAttrs> {
  const { kernel = [2, 2] } = attrs;
  const plain: QuantizedAveragePoolAttrs = {
    kernel,
    stride: [2, 2],
    padding: [0, 0, 0, 0],
    ceilMode: false,
    inputZero: -128,
    multiplier: Math.fround(1.3 / (kernel[0] * kernel[1])),
    outputZero: -128,
    min: -128,
    max: 127,
  };
  return { name, inputs: [{ shape, dtype: 'i8', range: [-128, 127] }], attrs: { ...plain, ...attrs } };
}

export const quantizedAveragePool: Op<QuantizedAveragePoolAttrs> = {
  name: 'quantizedAveragePool',
  summary: 'the mean of each window of i8 values',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    sample('2x2', [2, 8, 6, 6]),
    sample('2x2 unaligned channels', [2, 5, 6, 4]),
    sample('3x3 padded', [1, 6, 9, 8], { kernel: [3, 3], padding: [1, 1, 1, 1], inputZero: 9 }),
    sample('3x3 stride 1', [2, 4, 5, 5], { kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] }),
    sample('whole plane', [2, 7, 3, 4], { kernel: [3, 4], stride: [1, 1], inputZero: -20, outputZero: 4 }),
    sample('whole plane, many channels', [1, 130, 7, 7], { kernel: [7, 7], stride: [1, 1] }),
    sample('clamped', [1, 8, 4, 4], { min: -100, max: 20 }),
  ],
};
