/** `sub`: a - b, with numpy broadcasting. */
import { binaryOp } from './elementwise.ts';

export const sub = binaryOp({
  name: 'sub',
  summary: 'a - b',
  verb: 'subtract',
  map: (x, y) => x - y,
  wgsl: (x, y) => `(${x} - ${y})`,
  traits: { kind: 'join', keepsZero: 'of all', isCheap: true },
});
