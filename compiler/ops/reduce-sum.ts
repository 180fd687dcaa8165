/** `reduceSum`: the sum over axes. */
import { reduceOp, type ReduceAttrs } from './rules/reduce.ts';

export type ReduceSumAttrs = ReduceAttrs;

export const reduceSum = reduceOp({
  name: 'reduceSum',
  summary: 'the sum over axes',
  initial: 0,
  combine: (sum, value) => sum + value,
});
