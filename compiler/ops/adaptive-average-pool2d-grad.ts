/** `adaptiveAveragePool2dGrad`: the gradient of `adaptiveAveragePool2d`, spread over windows that may overlap. */
import type { Op, Sample } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import type { AdaptiveAveragePool2dAttrs } from './adaptive-average-pool2d.ts';
import { expectAtMost, expectFloat, expectIntegers, expectRank, operand, type Pair } from './rules/expect.ts';
import { adaptiveRanges, spreadWindows } from './rules/pool.ts';

const action = 'spread';

/** g `[N, C, h, w]` to `[N, C, H, W]`; `size` is that of what was pooled. */
function infer(inputs: readonly TensorType[], { size }: AdaptiveAveragePool2dAttrs): TensorType {
  const g = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRank(g, 4, action, '[N, C, H, W]');
  expectIntegers(size, 2, 1, 'size');
  return { dtype: 'f32', shape: [...g.shape.slice(0, 2), ...size] };
}

function evaluate(inputs: readonly Tensor[], attrs: AdaptiveAveragePool2dAttrs): Tensor {
  infer(inputs, attrs);
  const g = operand(inputs, 0, action);
  const ranges = (side: 0 | 1) =>
    adaptiveRanges(attrs.size[side], g.shape[side + 2] ?? 1).map((range) => ({ range, count: range[1] - range[0] }));
  return spreadWindows(g, attrs.size, ranges(0), ranges(1));
}

const sample = (name: string, shape: readonly number[], size: Pair): Sample<AdaptiveAveragePool2dAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { size },
});

export const adaptiveAveragePool2dGrad: Op<AdaptiveAveragePool2dAttrs> = {
  name: 'adaptiveAveragePool2dGrad',
  summary: 'the gradient of `adaptiveAveragePool2d` with respect to its operand',
  operands: ['g'],
  infer,
  evaluate,
  samples: [
    sample('divides', [2, 8, 3, 2], [6, 6]),
    sample('overlapping windows', [1, 6, 3, 3], [7, 5]),
    sample('one cell', [2, 5, 1, 1], [4, 7]),
    sample('same size', [1, 3, 5, 4], [5, 4]),
    sample('larger than the input', [1, 4, 5, 7], [3, 2]),
    sample('one channel', [1, 1, 4, 7], [10, 9]),
  ],
};
