/** `maxPool2d`: the largest value of each window; padding counts as minus infinity (as in PyTorch). */
import type { Op, Sample } from '../ir/op.ts';
import { elementCount, type Tensor } from '../ir/type.ts';
import { operand } from './rules/expect.ts';
import { cut, foldWindows, inferPool, windowRanges, type Fold, type PoolAttrs } from './rules/pool.ts';
import { allocate, concreteShape } from './rules/storage.ts';

export type MaxPool2dAttrs = PoolAttrs;

function evaluate(inputs: readonly Tensor[], attrs: MaxPool2dAttrs): Tensor {
  const x = operand(inputs, 0, 'pool');
  const shape = concreteShape(inferPool(inputs, attrs));
  const [, , height = 1, width = 1] = x.shape;
  const largest: Fold = (source, base, [top, bottom], [left, right]) => {
    let best = -Infinity;
    for (let row = top; row < bottom; row++) {
      for (let at = base + row * width + left; at < base + row * width + right; at++) {
        const value = source[at] ?? 0;
        // A NaN wins and stays, as in PyTorch.
        if (value > best || Number.isNaN(value)) best = value;
      }
    }
    return best;
  };
  const rows = windowRanges(shape[2] ?? 1, attrs, 0).map((range) => cut(range, 0, height));
  const columns = windowRanges(shape[3] ?? 1, attrs, 1).map((range) => cut(range, 0, width));
  const data = allocate(x.dtype, elementCount(shape));
  foldWindows(x, rows, columns, data, largest);
  return { dtype: x.dtype, shape, data };
}

function sample(name: string, shape: readonly number[], attrs: Partial<MaxPool2dAttrs> = {}): Sample<MaxPool2dAttrs> {
  const plain: MaxPool2dAttrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], ceilMode: false };
  return { name, inputs: [{ shape }], attrs: { ...plain, ...attrs } };
}

const samples: readonly Sample<MaxPool2dAttrs>[] = [
  sample('2x2', [2, 8, 6, 6]),
  sample('2x2 unaligned channels', [2, 5, 6, 4]),
  sample('2x2 one channel', [1, 1, 5, 7]),
  sample('2x2 odd size', [1, 3, 7, 5]),
  sample('2x2 ceil', [1, 3, 7, 5], { ceilMode: true }),
  sample('3x3 stride 2 padded', [1, 6, 9, 8], { kernel: [3, 3], padding: [1, 1, 1, 1] }),
  sample('3x3 stride 2 padded ceil', [1, 6, 8, 9], { kernel: [3, 3], padding: [1, 1, 1, 1], ceilMode: true }),
  sample('3x3 stride 2 ceil', [1, 4, 8, 6], { kernel: [3, 3], ceilMode: true }),
  sample('last window would start in the padding', [1, 4, 3, 3], {
    kernel: [2, 2],
    stride: [3, 3],
    padding: [1, 1, 1, 1],
    ceilMode: true,
  }),
  sample('3x3 stride 1', [2, 4, 5, 5], { kernel: [3, 3], stride: [1, 1], padding: [1, 1, 1, 1] }),
  sample('1x3', [1, 5, 4, 7], { kernel: [1, 3], stride: [1, 2], padding: [0, 1, 0, 1] }),
  sample('asymmetric padding', [1, 4, 6, 6], { kernel: [3, 3], padding: [0, 0, 1, 1] }),
  sample('stride larger than kernel', [1, 4, 8, 8], { kernel: [2, 2], stride: [3, 3] }),
  sample('whole plane', [2, 7, 3, 4], { kernel: [3, 4], stride: [1, 1] }),
  {
    ...sample('all negative, padded', [1, 3, 4, 4], { kernel: [3, 3], padding: [1, 1, 1, 1] }),
    inputs: [{ shape: [1, 3, 4, 4], range: [-3, -1] }],
  },
];

export const maxPool2d: Op<MaxPool2dAttrs> = {
  name: 'maxPool2d',
  summary: 'the largest value of each window',
  operands: ['x'],
  infer: inferPool,
  evaluate,
  traits: { kind: 'pool', isHomogeneous: true },
  samples,
};
