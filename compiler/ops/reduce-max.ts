/** `reduceMax`: the largest value over axes; a NaN wins, as in PyTorch. */
import { reduceOp } from './rules/reduce.ts';

export const reduceMax = reduceOp({
  name: 'reduceMax',
  summary: 'the largest value over axes',
  initial: -Infinity,
  combine: Math.max,
});
