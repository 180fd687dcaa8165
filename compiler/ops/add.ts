/** `add`: a + b, with numpy broadcasting. */
import { binaryOp } from './elementwise.ts';

export const add = binaryOp({
  name: 'add',
  summary: 'a + b',
  verb: 'add',
  map: (x, y) => x + y,
  wgsl: (x, y) => `(${x} + ${y})`,
  traits: { kind: 'join', keepsZero: 'of all', isCheap: true },
});
