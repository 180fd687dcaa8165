import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  mostSyntheticClasses,
  syntheticClassNames,
  syntheticSample,
} from '../../../runtime/train/pictures/synthetic.ts';
import type { SyntheticOptions } from '../../../runtime/train/pictures/synthetic.ts';
import { labelOf } from '../../../runtime/train/sample.ts';

const options: SyntheticOptions = { target: 'class', classes: 10, size: 32, seed: 0 };
const masks: SyntheticOptions = { target: 'mask', classes: 5, size: 48, seed: 1 };

const pixelsOf = (all: SyntheticOptions, index: number): Uint8Array => {
  const { input } = syntheticSample(all, index);
  return input.kind === 'image' ? input.image.data : new Uint8Array();
};
const maskOf = (all: SyntheticOptions, index: number): Uint8Array => {
  const { target } = syntheticSample(all, index);
  return target.kind === 'mask' ? target.mask.data : new Uint8Array();
};

describe('synthetic pictures', () => {
  it('are these bytes, on every machine', () => {
    const hash = createHash('sha256');
    for (let index = 0; index < 20; index++) hash.update(pixelsOf(options, index)).update(maskOf(masks, index));
    expect(hash.digest('hex')).toBe('8043b7044a01a271b92d962436ea09e4efae5b719fdde02c2a0cb3b770a0c0ac');
  });

  it('follow seed and index alone', () => {
    expect(pixelsOf(options, 7)).toEqual(pixelsOf(options, 7));
    expect(pixelsOf(options, 7)).not.toEqual(pixelsOf(options, 17));
    expect(pixelsOf(options, 7)).not.toEqual(pixelsOf({ ...options, seed: 1 }, 7));
  });

  it('take turns in their classes', () => {
    expect([0, 9, 10, 25].map((index) => labelOf(syntheticSample(options, index)))).toEqual([0, 9, 0, 5]);
    expect(syntheticClassNames(options)).toHaveLength(mostSyntheticClasses('class'));
    expect(syntheticClassNames({ target: 'mask', classes: 3 })).toEqual(['background', 'circle', 'square']);
  });

  it('are not told apart by their mean colours', () => {
    const means = Array.from({ length: 4 }, () => [] as number[]);
    for (let index = 0; index < 400; index++) {
      const pixels = pixelsOf({ ...options, classes: 4 }, index);
      means[index % 4]?.push(pixels.reduce((sum, value) => sum + value, 0) / pixels.length);
    }
    const centres = means.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length);
    const spread = Math.max(...means.flat()) - Math.min(...means.flat());
    expect(Math.max(...centres) - Math.min(...centres)).toBeLessThan(spread / 3);
  });

  it('have masks of several shapes, where the picture is lighter', () => {
    const seen = new Set<number>();
    for (let index = 0; index < 40; index++) {
      const mask = maskOf(masks, index);
      const pixels = pixelsOf(masks, index);
      mask.forEach((value) => seen.add(value));
      const mean = (wanted: boolean) => {
        const values = [...mask].flatMap((value, at) => (value > 0 === wanted ? [pixels[at * 3] ?? 0] : []));
        return values.reduce((sum, value) => sum + value, 0) / values.length;
      };
      expect(mean(true)).toBeGreaterThan(mean(false));
    }
    expect(seen).toEqual(new Set([0, 1, 2, 3, 4]));
  });
});
