/** `prelu`: x where positive, slope * x elsewhere, with learnt slopes that broadcast (He et al. 2015). */
import { binaryOp } from './elementwise.ts';

export const prelu = binaryOp({
  name: 'prelu',
  summary: 'x where x > 0, slope * x elsewhere',
  verb: 'rectify',
  map: (x, slope) => (x > 0 ? x : slope * x),
  wgsl: (x, slope) => `select(${x} * ${slope}, ${x}, ${x} > vec4f())`,
  traits: { keepsZero: 'of all' },
});
