/** `input`: a value given at run time. */
import type { InputAttrs } from '../ir/leaves.ts';
import type { Op } from '../ir/op.ts';

export const input: Op<InputAttrs> = {
  name: 'input',
  summary: 'a value of the signature, given at run time',
  operands: [],
  infer: (_inputs, attrs) => ({ dtype: attrs.dtype, shape: attrs.shape }),
  evaluate: (_inputs, attrs) => {
    throw new RangeError(`input ${attrs.name} has no value`);
  },
  samples: [],
};
