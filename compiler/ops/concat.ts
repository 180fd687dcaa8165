/** `concat`: values one after another along an axis. */
import { addDims, dimsEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAxis, operand } from './rules/expect.ts';
import { allocate, concreteShape, scatter } from './rules/storage.ts';

export type ConcatAttrs = { readonly axis: number };

const action = 'concatenate';

function infer(inputs: readonly TensorType[], attrs: ConcatAttrs): TensorType {
  const first = operand(inputs, 0, action);
  expectAxis(first, attrs.axis, action);
  let size = first.shape[attrs.axis] ?? 1;
  inputs.slice(1).forEach((part, index) => {
    const input = index + 1;
    const message = `cannot concatenate ${formatType(first)} and ${formatType(part)} along axis ${attrs.axis}`;
    if (part.dtype !== first.dtype) throw new OpError('E0302', message, { help: 'the types must be equal', input });
    if (part.shape.length !== first.shape.length) {
      throw new OpError('E0312', message, { help: 'the ranks must be equal', input });
    }
    const differing = part.shape.findIndex(
      (dim, axis) => axis !== attrs.axis && !dimsEqual(dim, first.shape[axis] ?? 1),
    );
    if (differing >= 0) throw new OpError('E0312', message, { help: `they differ in axis ${differing}`, input });
    size = addDims(size, part.shape[attrs.axis] ?? 1);
  });
  return { dtype: first.dtype, shape: first.shape.with(attrs.axis, size) };
}

function evaluate(inputs: readonly Tensor[], attrs: ConcatAttrs): Tensor {
  const { dtype } = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const strides = stridesOf(shape);
  const data = allocate(dtype, elementCount(shape));
  let from = 0;
  for (const part of inputs) {
    scatter(part, data, strides, from * (strides[attrs.axis] ?? 1));
    from += part.shape[attrs.axis] ?? 1;
  }
  return { dtype, shape, data };
}

const sample = (name: string, axis: number, ...shapes: readonly number[][]): Sample<ConcatAttrs> => ({
  name,
  inputs: shapes.map((shape) => ({ shape })),
  attrs: { axis },
});

export const concat: Op<ConcatAttrs> = {
  name: 'concat',
  summary: 'values one after another along an axis',
  operands: ['values...'],
  infer,
  evaluate,
  traits: { kind: 'join', isMovement: true },
  samples: [
    sample('aligned channels', 1, [2, 8, 3, 4], [2, 4, 3, 4]),
    sample('unaligned channels', 1, [2, 3, 3, 4], [2, 6, 3, 4]),
    sample('unaligned first part', 1, [1, 5, 4, 4], [1, 8, 4, 4]),
    sample('unaligned second part', 1, [1, 8, 4, 4], [1, 5, 4, 4]),
    sample('single channels', 1, [1, 1, 3, 3], [1, 1, 3, 3], [1, 1, 3, 3], [1, 1, 3, 3], [1, 1, 3, 3]),
    sample('four parts', 1, [2, 7, 2, 3], [2, 4, 2, 3], [2, 9, 2, 3], [2, 2, 2, 3]),
    sample('one part', 1, [1, 6, 3, 3]),
    sample('height', 2, [1, 5, 3, 4], [1, 5, 2, 4]),
    sample('width', 3, [2, 6, 3, 1], [2, 6, 3, 4]),
    sample('batch', 0, [1, 5, 2, 2], [3, 5, 2, 2]),
    sample('matrix', 1, [3, 5], [3, 2]),
    sample('rank 3', 1, [2, 3, 5], [2, 1, 5]),
  ],
};
