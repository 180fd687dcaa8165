/** `flatStorage`: tensors one after another in a flat vector, each in storage order; `fromStorage` takes them out. */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import type { NoAttrs } from './elementwise.ts';
import { expectFloat, operand } from './rules/expect.ts';
import { eachStored, storedLength } from './rules/storage-order.ts';

const action = 'store';

function partShapes(inputs: readonly TensorType[]): number[][] {
  operand(inputs, 0, action);
  expectFloat(inputs, action);
  return inputs.map((type, input) =>
    type.shape.map((size) => {
      if (typeof size === 'number') return size;
      throw new OpError('E0309', `cannot ${action} ${formatType(type)}: its sizes must be known`, { input });
    }),
  );
}

const infer = (inputs: readonly TensorType[]): TensorType => ({
  dtype: 'f32',
  shape: [1, partShapes(inputs).reduce((sum, shape) => sum + storedLength(shape), 0)],
});

function evaluate(inputs: readonly Tensor[]): Tensor {
  const length = partShapes(inputs).reduce((sum, shape) => sum + storedLength(shape), 0);
  const data = new Float64Array(length);
  let offset = 0;
  for (const part of inputs) {
    const start = offset;
    eachStored(part.shape, (index, stored) => (data[start + stored] = part.data[index] ?? Number.NaN));
    offset += storedLength(part.shape);
  }
  return { dtype: 'f32', shape: [1, length], data };
}

const sample = (name: string, ...shapes: readonly number[][]): Sample<NoAttrs> => ({
  name,
  inputs: shapes.map((shape) => ({ shape })),
  attrs: {},
});

export const flatStorage: Op<NoAttrs> = {
  name: 'flatStorage',
  summary: 'tensors one after another in a flat vector, in storage order',
  operands: ['parts...'],
  infer,
  evaluate,
  samples: [
    sample('one map', [4, 8, 3, 3]),
    sample('channel remainder', [4, 3, 3, 3], [1, 6, 1, 1]),
    sample('weights of a layer', [8, 4, 3, 3], [1, 8, 1, 1], [5, 8], [5]),
    sample('moments', [3, 7], [3, 4]),
    sample('scalar', [], [2, 5]),
    sample('many parts', ...Array.from({ length: 10 }, (_, index) => [2, 4 + index, 1, 2])),
  ],
};
