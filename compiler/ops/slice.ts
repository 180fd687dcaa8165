/** `slice`: the part of an axis from index `from` up to, not including, `to`. */
import { formatDim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectAxis, expectInteger, operand } from './rules/expect.ts';
import { concreteShape, gather } from './rules/storage.ts';

export type SliceAttrs = { readonly axis: number; readonly from: number; readonly to: number };

const action = 'slice';

function infer(inputs: readonly TensorType[], attrs: SliceAttrs): TensorType {
  const x = operand(inputs, 0, action);
  const { axis, from, to } = attrs;
  expectAtMost(inputs, 1, action);
  expectAxis(x, axis, action);
  expectInteger(from, 0, 'from');
  expectInteger(to, 0, 'to');
  const size = x.shape[axis] ?? 1;
  if (typeof size !== 'number') {
    const message = `cannot prove that ${from} to ${to} lies inside axis ${axis} of ${formatType(x)}`;
    throw new OpError('E0309', message, { help: `give ${formatDim(size)} a size` });
  }
  if (from >= to || to > size) {
    const message = `cannot slice ${from} to ${to} out of axis ${axis} of ${formatType(x)}`;
    throw new OpError('E0313', message, { help: `a slice needs 0 <= from < to <= ${size}` });
  }
  return { dtype: x.dtype, shape: x.shape.with(axis, to - from) };
}

function evaluate(inputs: readonly Tensor[], attrs: SliceAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const strides = stridesOf(x.shape);
  return gather(x, concreteShape(infer(inputs, attrs)), strides, attrs.from * (strides[attrs.axis] ?? 1));
}

const sample = (
  name: string,
  shape: readonly number[],
  axis: number,
  from: number,
  to: number,
): Sample<SliceAttrs> => ({ name, inputs: [{ shape }], attrs: { axis, from, to } });

export const slice: Op<SliceAttrs> = {
  name: 'slice',
  summary: 'a part of an axis',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move', isMovement: true },
  samples: [
    sample('aligned channels', [2, 12, 3, 4], 1, 4, 8),
    sample('unaligned start', [2, 12, 3, 4], 1, 3, 11),
    sample('unaligned end', [2, 12, 3, 4], 1, 4, 9),
    sample('unaligned both', [1, 10, 3, 3], 1, 5, 10),
    sample('one channel', [1, 7, 3, 3], 1, 2, 3),
    sample('first channels', [2, 9, 2, 3], 1, 0, 6),
    sample('everything', [1, 5, 3, 3], 1, 0, 5),
    sample('height', [1, 6, 7, 4], 2, 1, 5),
    sample('width', [2, 5, 3, 7], 3, 2, 7),
    sample('batch', [4, 3, 2, 2], 0, 1, 3),
    sample('matrix', [3, 9], 1, 2, 7),
    sample('rank 3', [2, 5, 6], 1, 1, 4),
  ],
};
