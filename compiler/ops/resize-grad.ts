/** `resizeGrad`: the gradient of `resize`; each cell of the result sums what the resized cells took from it. */
import type { Op, Sample } from '../ir/op.ts';
import { OpError } from '../ir/op.ts';
import { elementCount, type Tensor, type TensorType } from '../ir/type.ts';
import { mixesOf, resizeModes } from './resize.ts';
import { expectAtMost, expectFloat, expectIntegers, expectRank, operand, type Pair } from './rules/expect.ts';
import { concreteShape, float64Of } from './rules/storage.ts';

export type ResizeGradAttrs = {
  /** `nearest` or `bilinear`, as in `resize`. */
  readonly mode: string;
  /** `[height, width]` of what was resized. */
  readonly size: Pair;
};

const action = 'differentiate the resizing to';

/** g `[N, C, h, w]` to `[N, C, H, W]`. */
function infer(inputs: readonly TensorType[], { mode, size }: ResizeGradAttrs): TensorType {
  const g = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRank(g, 4, action, '[N, C, H, W]');
  if (!resizeModes.includes(mode)) {
    throw new OpError('E0310', `mode must be ${resizeModes.join(' or ')}, not ${mode}`);
  }
  expectIntegers(size, 2, 1, 'size');
  return { dtype: 'f32', shape: [...g.shape.slice(0, 2), ...size] };
}

function evaluate(inputs: readonly Tensor[], attrs: ResizeGradAttrs): Tensor {
  const g = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const [planes, height, width] = [elementCount(shape.slice(0, 2)), ...attrs.size];
  const rows = mixesOf(height, g.shape[2] ?? 1, attrs.mode);
  const columns = mixesOf(width, g.shape[3] ?? 1, attrs.mode);
  const gradient = float64Of(g);
  const data = new Float64Array(elementCount(shape));
  const give = (at: number, value: number): void => {
    data[at] = (data[at] ?? 0) + value;
  };
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    const base = plane * height * width;
    for (const row of rows) {
      const [top, bottom] = [base + row.low * width, base + row.high * width];
      for (const { low, high, weight } of columns) {
        const value = gradient[at++] ?? 0;
        give(top + low, value * (1 - row.weight) * (1 - weight));
        if (attrs.mode === 'nearest') continue;
        give(top + high, value * (1 - row.weight) * weight);
        give(bottom + low, value * row.weight * (1 - weight));
        give(bottom + high, value * row.weight * weight);
      }
    }
  }
  return { dtype: 'f32', shape, data };
}

const samples = resizeModes.flatMap((mode): Sample<ResizeGradAttrs>[] => {
  const one = (name: string, shape: readonly number[], size: Pair): Sample<ResizeGradAttrs> => ({
    name: `${mode} ${name}`,
    inputs: [{ shape }],
    attrs: { mode, size },
  });
  return [
    one('twice', [2, 8, 6, 8], [3, 4]),
    one('twice unaligned', [1, 6, 10, 6], [5, 3]),
    one('odd factors', [1, 5, 7, 9], [4, 7]),
    one('down', [2, 3, 4, 3], [9, 10]),
    one('down by two', [1, 4, 4, 3], [8, 6]),
    one('up and down', [1, 1, 7, 5], [3, 8]),
    one('from one cell', [1, 7, 3, 4], [1, 1]),
    one('to one cell', [1, 4, 1, 1], [5, 4]),
    one('wide', [1, 3, 4, 70], [2, 35]),
    one('same size', [1, 6, 4, 5], [4, 5]),
  ];
});

export const resizeGrad: Op<ResizeGradAttrs> = {
  name: 'resizeGrad',
  summary: 'the gradient of `resize` with respect to its operand',
  operands: ['g'],
  infer,
  evaluate,
  samples,
};
