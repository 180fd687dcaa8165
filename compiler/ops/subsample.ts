/** `subsample`: keeps rows 0, s, 2s, ... and columns 0, t, 2t, ... of `[N, C, H, W]`. */
import type { Op, Sample } from '../ir/op.ts';
import { stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectRank, operand, type Pair } from './rules/expect.ts';
import { concreteShape, gather } from './rules/storage.ts';
import { expectWindows, windowGrid } from './rules/window.ts';

export type SubsampleAttrs = { readonly stride: Pair };

const action = 'subsample';

function infer(inputs: readonly TensorType[], attrs: SubsampleAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  const windows = { kernel: [1, 1], stride: attrs.stride, padding: [0, 0, 0, 0] } as const;
  expectWindows(windows);
  const [batch = 1, channels = 1] = x.shape;
  return { dtype: x.dtype, shape: [batch, channels, ...windowGrid(x, windows, action)] };
}

function evaluate(inputs: readonly Tensor[], attrs: SubsampleAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const [image = 1, plane = 1, row = 1, column = 1] = stridesOf(x.shape);
  const strides = [image, plane, row * attrs.stride[0], column * attrs.stride[1]];
  return gather(x, concreteShape(infer(inputs, attrs)), strides);
}

const sample = (name: string, shape: readonly number[], stride: Pair): Sample<SubsampleAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { stride },
});

export const subsample: Op<SubsampleAttrs> = {
  name: 'subsample',
  summary: 'every s-th row and column',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move', isMovement: true, isHomogeneous: true },
  samples: [
    sample('even size', [2, 8, 6, 4], [2, 2]),
    sample('odd size', [2, 6, 7, 5], [2, 2]),
    sample('one channel', [1, 1, 5, 8], [3, 3]),
    sample('rows only', [1, 5, 7, 4], [2, 1]),
    sample('columns only', [1, 3, 4, 9], [1, 4]),
    sample('stride beyond the input', [1, 4, 3, 3], [5, 5]),
    sample('stride 1', [1, 6, 3, 4], [1, 1]),
  ],
};
