/** `transpose`: axis i of the result is axis `permutation[i]` of the operand (as numpy's). */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, operand } from './rules/expect.ts';
import { concreteShape, gather } from './rules/storage.ts';

export type TransposeAttrs = { readonly permutation: readonly number[] };

const action = 'transpose';

function infer(inputs: readonly TensorType[], attrs: TransposeAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  const { permutation } = attrs;
  const isPermutation =
    Array.isArray(permutation) &&
    permutation.length === x.shape.length &&
    x.shape.every((_, axis) => permutation.includes(axis));
  if (!isPermutation) {
    const message = `cannot transpose ${formatType(x)} by [${[permutation].flat().join(', ')}]`;
    throw new OpError('E0310', message, { help: `each axis from 0 to ${x.shape.length - 1} must occur once` });
  }
  return { dtype: x.dtype, shape: permutation.map((axis) => x.shape[axis] ?? 1) };
}

function evaluate(inputs: readonly Tensor[], attrs: TransposeAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const strides = stridesOf(x.shape);
  const permuted = attrs.permutation.map((axis) => strides[axis] ?? 1);
  return gather(x, concreteShape(infer(inputs, attrs)), permuted);
}

const sample = (shape: readonly number[], permutation: readonly number[]): Sample<TransposeAttrs> => ({
  name: `${shape.join('x')} by ${permutation.join('')}`,
  inputs: [{ shape }],
  attrs: { permutation },
});

export const transpose: Op<TransposeAttrs> = {
  name: 'transpose',
  summary: 'axes in another order',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move', isMovement: true },
  samples: [
    sample([3, 7], [1, 0]),
    sample([5, 4], [1, 0]),
    sample([2, 3, 5], [0, 2, 1]),
    sample([2, 6, 3], [2, 0, 1]),
    sample([2, 8, 3, 4], [0, 2, 3, 1]),
    sample([2, 3, 4, 5], [0, 3, 1, 2]),
    sample([1, 5, 3, 4], [0, 1, 3, 2]),
    sample([2, 6, 2, 3], [3, 2, 1, 0]),
    sample([2, 3, 4, 5], [0, 1, 2, 3]),
    sample([1, 2, 3, 2, 4, 3], [0, 1, 4, 2, 5, 3]),
    sample([2, 3, 5, 2, 3], [0, 2, 1, 3, 4]),
    sample([1, 2, 3, 2, 5], [0, 4, 2, 3, 1]),
  ],
};
