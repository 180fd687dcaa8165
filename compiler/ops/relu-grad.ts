/** `reluGrad`: what of a gradient goes through a `relu`, by its value. */
import { binaryOp } from './elementwise.ts';
import { isPositiveOrNaN } from './rules/not-finite.ts';

/** PyTorch's is 0 where the value is at most 0: NaN, which no comparison finds, lets the gradient through. */
export const reluGrad = binaryOp({
  name: 'reluGrad',
  summary: 'b where a is positive or NaN, 0 elsewhere',
  verb: 'differentiate',
  traits: { keepsZero: 'of any', isCheap: true },
  map: (y, g) => (y <= 0 ? 0 : g),
  wgsl: (y, g) => `select(vec4f(), ${g}, ${isPositiveOrNaN(y)})`,
});
