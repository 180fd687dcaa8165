/** `adaptiveAveragePool2d`: means over windows that divide the plane into a grid of a given size. */
import type { Op, Sample } from '../ir/op.ts';
import { elementCount, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, expectIntegers, expectRank, operand, type Pair } from './rules/expect.ts';
import { adaptiveRanges, foldWindows, type Fold } from './rules/pool.ts';
import { concreteShape } from './rules/storage.ts';

export type AdaptiveAveragePool2dAttrs = {
  /** `[height, width]` of the result. */
  readonly size: Pair;
};

const action = 'average';

function infer(inputs: readonly TensorType[], attrs: AdaptiveAveragePool2dAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  expectIntegers(attrs.size, 2, 1, 'size');
  return { dtype: 'f32', shape: [...x.shape.slice(0, 2), ...attrs.size] };
}

function evaluate(inputs: readonly Tensor[], attrs: AdaptiveAveragePool2dAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const [, , height = 1, width = 1] = x.shape;
  const mean: Fold = (source, base, [top, bottom], [left, right]) => {
    let sum = 0;
    for (let row = top; row < bottom; row++) {
      for (let at = base + row * width + left; at < base + row * width + right; at++) sum += source[at] ?? 0;
    }
    return sum / ((bottom - top) * (right - left));
  };
  const data = new Float64Array(elementCount(shape));
  foldWindows(x, adaptiveRanges(height, attrs.size[0]), adaptiveRanges(width, attrs.size[1]), data, mean);
  return { dtype: 'f32', shape, data };
}

const sample = (name: string, shape: readonly number[], size: Pair): Sample<AdaptiveAveragePool2dAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { size },
});

export const adaptiveAveragePool2d: Op<AdaptiveAveragePool2dAttrs> = {
  name: 'adaptiveAveragePool2d',
  summary: 'means over a grid of windows of a given size',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'pool' },
  samples: [
    sample('divides', [2, 8, 6, 6], [3, 2]),
    sample('overlapping windows', [1, 6, 7, 5], [3, 3]),
    sample('one cell', [2, 5, 4, 7], [1, 1]),
    sample('same size', [1, 3, 5, 4], [5, 4]),
    sample('larger than the input', [1, 4, 3, 2], [5, 7]),
    sample('one channel', [1, 1, 10, 9], [4, 7]),
  ],
};
