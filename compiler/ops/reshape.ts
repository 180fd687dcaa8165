/** `reshape`: the same elements in row-major order under another shape. */
import { dimsEqual, formatDim, productOf, type Dim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectInteger, operand } from './rules/expect.ts';
import { concreteShape } from './rules/storage.ts';

export type ReshapeAttrs = {
  /** Sizes, all given; they may name symbols of the operand. `evaluate` takes them with the symbols bound. */
  readonly shape: readonly Dim[];
};

const action = 'reshape';

function infer(inputs: readonly TensorType[], attrs: ReshapeAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  if (!Array.isArray(attrs.shape)) throw new OpError('E0310', 'shape must be a list of sizes');
  for (const size of attrs.shape) if (typeof size === 'number') expectInteger(size, 1, 'a size of the new shape');
  const type: TensorType = { dtype: x.dtype, shape: attrs.shape };
  const [before, after] = [productOf(x.shape), productOf(type.shape)];
  if (!dimsEqual(before, after)) {
    const message = `cannot reshape ${formatType(x)} to ${formatType(type)}`;
    throw new OpError('E0308', message, { help: `${formatDim(before)} elements cannot become ${formatDim(after)}` });
  }
  return type;
}

function evaluate(inputs: readonly Tensor[], attrs: ReshapeAttrs): Tensor {
  const shape = concreteShape(infer(inputs, attrs));
  const { dtype, data } = operand(inputs, 0, action);
  return { dtype, shape, data };
}

const sample = (from: readonly number[], to: readonly number[]): Sample<ReshapeAttrs> => ({
  name: `${from.join('x')} to ${to.join('x')}`,
  inputs: [{ shape: from }],
  attrs: { shape: to },
});

export const reshape: Op<ReshapeAttrs> = {
  name: 'reshape',
  summary: 'the same elements under another shape',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move', isMovement: true },
  samples: [
    sample([2, 8, 1, 1], [2, 8]),
    sample([2, 6, 1, 1], [2, 6]),
    sample([2, 8, 3, 4], [2, 96]),
    sample([3, 5, 2, 3], [3, 30]),
    sample([2, 30], [2, 5, 2, 3]),
    sample([2, 6, 2, 3], [2, 3, 4, 3]),
    sample([2, 6, 3, 4], [2, 6, 12]),
    sample([2, 6, 12], [2, 6, 3, 4]),
    sample([2, 6, 2, 3], [2, 2, 3, 2, 3]),
    sample([2, 2, 3, 2, 3], [2, 6, 2, 3]),
    sample([6, 5], [10, 3]),
    sample([4, 5], [20]),
    sample([12], [3, 4]),
  ],
};
