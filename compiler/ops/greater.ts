/** `greater`: 1 where a > b, 0 elsewhere, with numpy broadcasting. */
import { binaryOp } from './elementwise.ts';

export const greater = binaryOp({
  name: 'greater',
  summary: '1 where a > b, 0 elsewhere',
  verb: 'compare',
  map: (x, y) => (x > y ? 1 : 0),
  wgsl: (x, y) => `select(vec4f(), vec4f(1.0), ${x} > ${y})`,
  traits: { keepsZero: 'of all', isCheap: true },
});
