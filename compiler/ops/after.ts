/** `after`: a value as it is, but not before another one is computed; what keeps a recomputed value from being early. */
import type { Op } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import type { NoAttrs } from './elementwise.ts';
import { expectAtMost, operand } from './rules/expect.ts';

const action = 'order';

function infer(inputs: readonly TensorType[]): TensorType {
  operand(inputs, 1, action);
  expectAtMost(inputs, 2, action);
  return operand(inputs, 0, action);
}

const evaluate = (inputs: readonly Tensor[]): Tensor => operand(inputs, 0, action);

export const after: Op<NoAttrs> = {
  name: 'after',
  summary: 'x as it is, but not before y is computed',
  operands: ['x', 'y'],
  infer,
  evaluate,
  samples: [
    { name: 'image', inputs: [{ shape: [2, 5, 3, 4] }, { shape: [1, 1] }], attrs: {} },
    { name: 'vector', inputs: [{ shape: [2, 7] }, { shape: [3, 4, 2, 2] }], attrs: {} },
  ],
};
