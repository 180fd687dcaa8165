/** `fromStorage`: a tensor that lies in a flat vector in storage order, as parameters lie in a vector of state. */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, expectInteger, operand } from './rules/expect.ts';
import { eachStored, storedLength } from './rules/storage-order.ts';

export type FromStorageAttrs = {
  /** Elements of the vector in front of the tensor; a multiple of four. */
  readonly offset: number;
  readonly shape: readonly number[];
};

const action = 'take a tensor out of';

function infer(inputs: readonly TensorType[], { offset, shape }: FromStorageAttrs): TensorType {
  const flat = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  const [rows, length] = flat.shape;
  if (flat.shape.length !== 2 || rows !== 1 || typeof length !== 'number') {
    throw new OpError('E0301', `cannot ${action} ${formatType(flat)}: the shape must be [1, T]`, { input: 0 });
  }
  if (!Array.isArray(shape)) throw new OpError('E0310', 'shape must be a list of sizes');
  for (const size of shape) expectInteger(size, 1, 'a size of the shape');
  expectInteger(offset, 0, 'offset');
  if (offset % 4 !== 0) throw new OpError('E0310', `offset must be a multiple of 4, not ${offset}`);
  const end = offset + storedLength(shape);
  if (end > length) {
    const message = `cannot ${action} ${formatType(flat)}: the elements ${offset} to ${end} do not lie inside`;
    throw new OpError('E0313', message, { input: 0 });
  }
  return { dtype: 'f32', shape };
}

function evaluate(inputs: readonly Tensor[], { offset, shape }: FromStorageAttrs): Tensor {
  const { data: flat } = operand(inputs, 0, action);
  const data = new Float64Array(elementCount(shape));
  eachStored(shape, (index, stored) => (data[index] = flat[offset + stored] ?? Number.NaN));
  return { dtype: 'f32', shape, data };
}

const sample = (
  offset: number,
  shape: readonly number[],
  length = offset + storedLength(shape) + 8,
): Sample<FromStorageAttrs> => ({
  name: shape.join('x') || 'scalar',
  inputs: [{ shape: [1, length] }],
  attrs: { offset, shape },
});

export const fromStorage: Op<FromStorageAttrs> = {
  name: 'fromStorage',
  summary: 'a tensor that lies in a flat vector in storage order',
  operands: ['flat'],
  infer,
  evaluate,
  samples: [
    sample(0, [8, 4, 3, 3]),
    sample(12, [6, 8, 1, 1]),
    sample(4, [3, 8, 2, 3]),
    sample(8, [1, 12, 1, 1]),
    sample(4, [5, 16]),
    sample(0, [8]),
    sample(4, []),
  ],
};
