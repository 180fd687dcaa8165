/** `reduceMean`: the mean over axes. */
import { reduceOp } from './rules/reduce.ts';

export const reduceMean = reduceOp({
  name: 'reduceMean',
  summary: 'the mean over axes',
  initial: 0,
  combine: (sum, value) => sum + value,
  finish: (sum, count) => sum / count,
});
