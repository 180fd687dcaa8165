/** `clip`: min(max(x, min), max). */
import { unaryOp, unarySamples, wgslFloat } from './elementwise.ts';
import { cutTo } from './rules/clamp.ts';
import { keepNaN } from './rules/not-finite.ts';

/** A bound may be infinite. */
export type ClipAttrs = { readonly min: number; readonly max: number };

export const clip = unaryOp<ClipAttrs>({
  name: 'clip',
  summary: 'min(max(x, min), max)',
  map:
    ({ min, max }) =>
    (x) =>
      Math.min(Math.max(x, min), max),
  wgsl: (x, { min, max }) => {
    // An infinite bound is none; as a literal it would have to be the largest finite number.
    const low = min > -Infinity ? `max(${x}, vec4f(${wgslFloat(min)}))` : x;
    return keepNaN(max < Infinity ? `min(${low}, vec4f(${wgslFloat(max)}))` : low, x);
  },
  traits: { isCheap: true, clamp: ({ min, max }) => cutTo(min, max) },
  samples: [
    ...unarySamples({ min: -1, max: 2.5 }),
    { name: 'above zero', inputs: [{ shape: [2, 5, 3, 4] }], attrs: { min: 0.25, max: 0.5 } },
  ],
});
