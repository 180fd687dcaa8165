/** `sumSlices`: the sum of equal parts of axis 0, as of the partial sums of a weight's gradient. */
import { divideDimExactly, formatDim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, expectInteger, expectRankAtLeast, operand } from './rules/expect.ts';
import { concreteShape, float64Of } from './rules/storage.ts';

export type SumSlicesAttrs = { readonly slices: number };

const action = 'sum slices of';

function infer(inputs: readonly TensorType[], { slices }: SumSlicesAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRankAtLeast(x, 1, action, '[slices * N, ...]');
  expectInteger(slices, 1, 'slices');
  const [outer = 1, ...rest] = x.shape;
  const size = divideDimExactly(outer, slices);
  if (size !== undefined) return { dtype: 'f32', shape: [size, ...rest] };
  throw new OpError('E0304', `${slices} slices do not divide the axis ${formatDim(outer)} of ${formatType(x)}`, {
    input: 0,
  });
}

/** `y[n, ...] = sum over s of x[s * N + n, ...]`, s in ascending order. */
function evaluate(inputs: readonly Tensor[], attrs: SumSlicesAttrs): Tensor {
  const shape = concreteShape(infer(inputs, attrs));
  const source = float64Of(operand(inputs, 0, action));
  const size = elementCount(shape);
  const data = new Float64Array(size);
  source.forEach((value, index) => {
    data[index % size] = (data[index % size] ?? 0) + value;
  });
  return { dtype: 'f32', shape, data };
}

const sample = (name: string, shape: readonly number[], slices: number): Sample<SumSlicesAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { slices },
});

export const sumSlices: Op<SumSlicesAttrs> = {
  name: 'sumSlices',
  summary: 'the sum of equal parts of axis 0',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    sample('four slices', [12, 8, 3, 3], 4),
    sample('unaligned', [10, 5, 2, 3], 5),
    sample('of a matrix', [6, 7], 3),
    sample('one slice', [4, 4, 1, 1], 1),
  ],
};
