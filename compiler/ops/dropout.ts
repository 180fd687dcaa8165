/** `dropout`: the identity outside training (Srivastava et al. 2014); passes remove it. */
import { OpError, type Op } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, operand } from './rules/expect.ts';

export type DropoutAttrs = {
  /** Probability that training zeroes an element. */
  readonly p: number;
};

const action = 'drop out';

function infer(inputs: readonly TensorType[], attrs: DropoutAttrs): TensorType {
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  if (!(attrs.p >= 0 && attrs.p <= 1)) throw new OpError('E0310', `p must lie between 0 and 1, not ${String(attrs.p)}`);
  return operand(inputs, 0, action);
}

function evaluate(inputs: readonly Tensor[], attrs: DropoutAttrs): Tensor {
  infer(inputs, attrs);
  return operand(inputs, 0, action);
}

export const dropout: Op<DropoutAttrs> = {
  name: 'dropout',
  summary: 'the identity outside training',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    { name: 'matrix', inputs: [{ shape: [2, 7] }], attrs: { p: 0.2 } },
    { name: 'maps', inputs: [{ shape: [1, 6, 3, 3] }], attrs: { p: 0.5 } },
  ],
};
