/** `constant`: a value known at build time. */
import type { ConstantAttrs } from '../ir/leaves.ts';
import type { Op } from '../ir/op.ts';

export const constant: Op<ConstantAttrs> = {
  name: 'constant',
  summary: 'a value known at build time',
  operands: [],
  infer: (_inputs, { tensor }) => ({ dtype: tensor.dtype, shape: tensor.shape }),
  evaluate: (_inputs, { tensor }) => tensor,
  samples: [],
};
