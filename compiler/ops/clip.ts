/** `clip`: min(max(x, min), max). */
import { unaryOp, unarySamples, wgslFloat } from './elementwise.ts';

/** A bound may be infinite. */
export type ClipAttrs = { readonly min: number; readonly max: number };

export const clip = unaryOp<ClipAttrs>({
  name: 'clip',
  summary: 'min(max(x, min), max)',
  map:
    ({ min, max }) =>
    (x) =>
      Math.min(Math.max(x, min), max),
  wgsl: (x, { min, max }) => `min(max(${x}, vec4f(${wgslFloat(min)})), vec4f(${wgslFloat(max)}))`,
  samples: unarySamples({ min: -1, max: 2.5 }),
});
