/** `mul`: a * b, with numpy broadcasting. */
import { binaryOp } from './elementwise.ts';

export const mul = binaryOp({
  name: 'mul',
  summary: 'a * b',
  verb: 'multiply',
  map: (x, y) => x * y,
  wgsl: (x, y) => `(${x} * ${y})`,
  traits: { kind: 'join', keepsZero: 'of any', isCheap: true },
});
