/** `expand`: axes of size 1 repeat up to a shape of the same rank. */
import { dimsEqual, formatDim, type Dim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, operand } from './rules/expect.ts';
import { concreteShape, gather } from './rules/storage.ts';

export type ExpandAttrs = { readonly shape: readonly Dim[] };

const action = 'expand';

function infer(inputs: readonly TensorType[], { shape }: ExpandAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  const fits =
    Array.isArray(shape) &&
    shape.length === x.shape.length &&
    x.shape.every((size, axis) => size === 1 || dimsEqual(size, shape[axis] ?? 1));
  if (!fits) {
    const message = `cannot expand ${formatType(x)} to [${[shape].flat().map(formatDim).join(', ')}]`;
    throw new OpError('E0305', message, { input: 0, help: 'each size must be equal, or be 1 in front' });
  }
  return { dtype: 'f32', shape };
}

function evaluate(inputs: readonly Tensor[], attrs: ExpandAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const strides = stridesOf(x.shape).map((stride, axis) => (x.shape[axis] === 1 ? 0 : stride));
  return gather(x, concreteShape(infer(inputs, attrs)), strides);
}

const sample = (name: string, from: readonly number[], shape: readonly number[]): Sample<ExpandAttrs> => ({
  name,
  inputs: [{ shape: from }],
  attrs: { shape },
});

export const expand: Op<ExpandAttrs> = {
  name: 'expand',
  summary: 'axes of size 1 repeat',
  operands: ['x'],
  infer,
  evaluate,
  // Kernels read an operand that is smaller than the result with strides of zero, so its value needs no work.
  scalar: ([x = '']) => x,
  samples: [
    sample('gates', [2, 8, 1, 1], [2, 8, 3, 4]),
    sample('unaligned gates', [2, 5, 1, 1], [2, 5, 4, 3]),
    sample('channels', [1, 6, 1, 1], [2, 6, 3, 3]),
    sample('pixels to channels', [2, 1, 3, 4], [2, 6, 3, 4]),
    sample('one value', [1, 1, 1, 1], [2, 5, 3, 2]),
    sample('rows and batch', [1, 4, 1, 5], [3, 4, 2, 5]),
    sample('nothing', [2, 3, 4, 5], [2, 3, 4, 5]),
    sample('matrix', [3, 1], [3, 7]),
    sample('matrix rows', [1, 6], [4, 6]),
    sample('rank 3', [2, 1, 5], [2, 6, 5]),
  ],
};
