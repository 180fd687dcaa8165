/** `minimum`: the smaller of a and b, with numpy broadcasting. */
import { binaryOp } from './elementwise.ts';
import { keepNaN } from './rules/not-finite.ts';

export const minimum = binaryOp({
  name: 'minimum',
  summary: 'the smaller of a and b',
  verb: 'take the minimum of',
  map: (x, y) => Math.min(x, y),
  wgsl: (x, y) => keepNaN(`min(${x}, ${y})`, x, y),
  traits: { kind: 'join', keepsZero: 'of all', isCheap: true },
});
