/** `averagePool2d`: the mean of each window, with or without its padded cells (as in PyTorch). */
import type { Op, Sample } from '../ir/op.ts';
import { elementCount, type Tensor, type TensorType } from '../ir/type.ts';
import { expectFloat, operand } from './rules/expect.ts';
import { cut, foldWindows, inferPool, windowRanges, type Fold, type PoolAttrs } from './rules/pool.ts';
import { concreteShape } from './rules/storage.ts';

/** With `countIncludePad` the divisor counts padded cells too, but none beyond the padding that ceil mode reaches. */
export type AveragePool2dAttrs = PoolAttrs & { readonly countIncludePad: boolean };

function infer(inputs: readonly TensorType[], attrs: AveragePool2dAttrs): TensorType {
  expectFloat(inputs, 'average');
  return inferPool(inputs, attrs);
}

function evaluate(inputs: readonly Tensor[], attrs: AveragePool2dAttrs): Tensor {
  const x = operand(inputs, 0, 'pool');
  const shape = concreteShape(infer(inputs, attrs));
  const [, , height = 1, width = 1] = x.shape;
  const [, , bottomPad, rightPad] = attrs.padding;
  const mean: Fold = (source, base, rows, columns) => {
    const [top, bottom] = cut(rows, 0, height);
    const [left, right] = cut(columns, 0, width);
    let sum = 0;
    for (let row = top; row < bottom; row++) {
      for (let at = base + row * width + left; at < base + row * width + right; at++) sum += source[at] ?? 0;
    }
    const padded = (rows[1] - rows[0]) * (columns[1] - columns[0]);
    return sum / (attrs.countIncludePad ? padded : (bottom - top) * (right - left));
  };
  const rows = windowRanges(shape[2] ?? 1, attrs, 0).map((range) => cut(range, -Infinity, height + bottomPad));
  const columns = windowRanges(shape[3] ?? 1, attrs, 1).map((range) => cut(range, -Infinity, width + rightPad));
  const data = new Float64Array(elementCount(shape));
  foldWindows(x, rows, columns, data, mean);
  return { dtype: 'f32', shape, data };
}

function sample(
  name: string,
  shape: readonly number[],
  attrs: Partial<AveragePool2dAttrs> = {},
): Sample<AveragePool2dAttrs> {
  const plain = {
    kernel: [2, 2],
    stride: [2, 2],
    padding: [0, 0, 0, 0],
    ceilMode: false,
    countIncludePad: true,
  } as const;
  return { name, inputs: [{ shape }], attrs: { ...plain, ...attrs } };
}

const padded3 = { kernel: [3, 3], padding: [1, 1, 1, 1] } as const;

export const averagePool2d: Op<AveragePool2dAttrs> = {
  name: 'averagePool2d',
  summary: 'the mean of each window',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'pool', isHomogeneous: true },
  samples: [
    sample('2x2', [2, 8, 6, 6]),
    sample('2x2 unaligned channels', [2, 5, 6, 4]),
    sample('2x2 one channel', [1, 1, 5, 7]),
    sample('2x2 odd size', [1, 3, 7, 5]),
    sample('2x2 ceil', [1, 3, 7, 5], { ceilMode: true }),
    sample('3x3 padded', [1, 6, 9, 8], padded3),
    sample('3x3 padded, padding left out', [1, 6, 9, 8], { ...padded3, countIncludePad: false }),
    sample('3x3 padded ceil', [1, 4, 8, 6], { ...padded3, ceilMode: true }),
    sample('3x3 padded ceil, padding left out', [1, 4, 8, 6], { ...padded3, ceilMode: true, countIncludePad: false }),
    sample('3x3 stride 1', [2, 4, 5, 5], { ...padded3, stride: [1, 1] }),
    sample('1x3', [1, 5, 4, 7], { kernel: [1, 3], stride: [1, 2], padding: [0, 1, 0, 1] }),
    sample('asymmetric padding', [1, 4, 6, 6], { kernel: [3, 3], padding: [0, 0, 1, 1] }),
    sample('asymmetric padding left out', [1, 4, 6, 6], {
      kernel: [3, 3],
      padding: [0, 0, 1, 1],
      countIncludePad: false,
    }),
    sample('stride larger than kernel', [1, 4, 8, 8], { stride: [3, 3] }),
    sample('whole plane', [2, 7, 3, 4], { kernel: [3, 4], stride: [1, 1] }),
  ],
};
