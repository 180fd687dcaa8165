import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dropoutMask } from '../../compiler/ops/dropout-mask.ts';
import { philox } from '../../runtime/philox.ts';
import { checkSamples, expectFault, f32 } from './check-op.ts';

const rng = (step: number, low: number, high: number) => f32([1, 4], [step, low, high, 0]);

describe('dropoutMask', () => {
  it('keeps its share and scales it so that the mean stays', () => {
    const { data } = dropoutMask.evaluate([rng(3, 4, 5)], { shape: [100, 100], p: 0.25, stream: 0 });
    expect(new Set(data)).toEqual(new Set([0, 1 / 0.75]));
    const mean = Float64Array.from(data).reduce((sum, value) => sum + value, 0) / data.length;
    // Six standard deviations of the mean of 10000 draws.
    expect(Math.abs(mean - 1)).toBeLessThan(6 * Math.sqrt(0.25 / 0.75 / 10_000));
  });

  it('draws element i from word i % 4 of block i / 4', () => {
    const index = fc.nat(999);
    const word16 = fc.nat(0xffff);
    fc.assert(
      fc.property(
        index,
        fc.nat(0xffffff),
        word16,
        word16,
        fc.nat(9),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (...[at, step, low, high, stream, p]) => {
          const { data } = dropoutMask.evaluate([rng(step, low, high)], { shape: [10, 100], p, stream });
          const words = philox([at >> 2, stream, step, 0], [high * 0x10000 + low, 0]);
          const uniform = ((words[at % 4] ?? 0) >>> 8) * 2 ** -24;
          expect(data[at]).toBe(uniform < p ? 0 : 1 / (1 - p));
        },
      ),
    );
  });

  it('differs by step, seed and stream', () => {
    const masks = [
      [rng(0, 0, 0), 0],
      [rng(1, 0, 0), 0],
      [rng(0, 1, 0), 0],
      [rng(0, 0, 1), 0],
      [rng(0, 0, 0), 1],
    ] as const;
    const texts = masks.map(([state, stream]) =>
      dropoutMask.evaluate([state], { shape: [64], p: 0.5, stream }).data.join(),
    );
    expect(new Set(texts).size).toBe(masks.length);
  });

  checkSamples(dropoutMask);

  it('refuses what does not fit', () => {
    const attrs = { shape: [2, 3], p: 0.5, stream: 0 };
    expectFault(dropoutMask, ['f32[4]'], attrs, 'E0301', 'cannot draw from f32[4]');
    const p = 'p must be at least 0 and less than 1, not 1';
    expectFault(dropoutMask, ['f32[1, 4]'], { ...attrs, p: 1 }, 'E0310', p);
  });
});
