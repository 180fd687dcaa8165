/** `reduceSum`: the sum over axes. */
import { reduceOp } from './rules/reduce.ts';

export const reduceSum = reduceOp({
  name: 'reduceSum',
  summary: 'the sum over axes',
  initial: 0,
  combine: (sum, value) => sum + value,
});
