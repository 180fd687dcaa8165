/** `maximum`: the larger of a and b, with numpy broadcasting. */
import { binaryOp } from './elementwise.ts';
import { keepNaN } from './rules/not-finite.ts';

export const maximum = binaryOp({
  name: 'maximum',
  summary: 'the larger of a and b',
  verb: 'take the maximum of',
  map: (x, y) => Math.max(x, y),
  wgsl: (x, y) => keepNaN(`max(${x}, ${y})`, x, y),
  traits: { kind: 'join', keepsZero: 'of all', isCheap: true },
});
