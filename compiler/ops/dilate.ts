/** `dilate`: zeros with the operand at every s-th row and column, the gradient of `subsample`. */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectIntegers, expectRank, operand, type Pair } from './rules/expect.ts';
import { allocate, concreteShape, scatter } from './rules/storage.ts';

export type DilateAttrs = {
  readonly stride: Pair;
  /** `[height, width]` of the result. */
  readonly size: Pair;
};

const action = 'dilate';

/** `[N, C, h, w]` to `[N, C, H, W]`. Throws E0301, E0310, and E0306 where the operand does not fit into the result. */
function infer(inputs: readonly TensorType[], { stride, size }: DilateAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  expectIntegers(stride, 2, 1, 'stride');
  expectIntegers(size, 2, 1, 'size');
  const [batch = 1, channels = 1, ...plane] = x.shape;
  plane.forEach((count, side) => {
    const [step, extent] = side === 0 ? [stride[0], size[0]] : [stride[1], size[1]];
    if (typeof count === 'number' && (count - 1) * step < extent) return;
    const message = `cannot dilate ${formatType(x)} by ${stride.join(' and ')} into ${size.join(' by ')}`;
    throw new OpError('E0306', message, { input: 0 });
  });
  return { dtype: x.dtype, shape: [batch, channels, ...size] };
}

function evaluate(inputs: readonly Tensor[], attrs: DilateAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const data = allocate(x.dtype, elementCount(shape));
  const [image = 1, plane = 1, row = 1, column = 1] = stridesOf(shape);
  scatter(x, data, [image, plane, row * attrs.stride[0], column * attrs.stride[1]], 0);
  return { dtype: x.dtype, shape, data };
}

const sample = (name: string, shape: readonly number[], stride: Pair, size: Pair): Sample<DilateAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { stride, size },
});

export const dilate: Op<DilateAttrs> = {
  name: 'dilate',
  summary: 'zeros between rows and columns',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    sample('even size', [2, 8, 3, 2], [2, 2], [6, 4]),
    sample('odd size', [2, 6, 4, 3], [2, 2], [7, 5]),
    sample('one channel', [1, 1, 2, 3], [3, 3], [5, 8]),
    sample('rows only', [1, 5, 4, 4], [2, 1], [7, 4]),
    sample('stride beyond the result', [1, 4, 1, 1], [5, 5], [3, 3]),
    sample('wide', [1, 6, 2, 20], [2, 2], [4, 39]),
    sample('stride 1', [1, 6, 3, 4], [1, 1], [3, 4]),
  ],
};
