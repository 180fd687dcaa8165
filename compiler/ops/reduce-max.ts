/** `reduceMax`: the largest value over axes; a NaN wins, as in PyTorch. */
import { reduceOp, type ReduceAttrs } from './rules/reduce.ts';

export type ReduceMaxAttrs = ReduceAttrs;

export const reduceMax = reduceOp({
  name: 'reduceMax',
  summary: 'the largest value over axes',
  initial: -Infinity,
  combine: Math.max,
});
