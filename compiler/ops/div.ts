/** `div`: a / b, with numpy broadcasting. */
import { binaryOp } from './elementwise.ts';

export const div = binaryOp({
  name: 'div',
  summary: 'a / b',
  verb: 'divide',
  map: (x, y) => x / y,
  wgsl: (x, y) => `(${x} / ${y})`,
  traits: { kind: 'join', isUnbounded: true },
  range: [0.5, 2],
});
