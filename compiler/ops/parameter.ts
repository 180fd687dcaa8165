/** `parameter`: a learned value, given by weights or by training. */
import type { ParameterAttrs } from '../ir/leaves.ts';
import type { Op } from '../ir/op.ts';

export const parameter: Op<ParameterAttrs> = {
  name: 'parameter',
  summary: 'a learned value under its state_dict name',
  operands: [],
  infer: (_inputs, attrs) => ({ dtype: attrs.dtype, shape: attrs.shape }),
  evaluate: (_inputs, attrs) => {
    throw new RangeError(`parameter ${attrs.name} has no value`);
  },
  samples: [],
};
