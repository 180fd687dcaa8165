/** Round numbers on axes. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearTicks, logTicks, shortNumber } from '../../../../runtime/train/report/ticks.ts';

describe('ticks', () => {
  it.each([
    [0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]],
    [0, 200, [0, 50, 100, 150, 200]],
    [-3, 4, [-2, 0, 2, 4]],
    [0.61, 0.69, [0.62, 0.64, 0.66, 0.68]],
    [1e-7, 9e-7, [2e-7, 4e-7, 6e-7, 8e-7]],
  ])('from %d to %d', (low, high, ticks) => {
    expect(linearTicks(low, high)).toEqual(ticks);
  });

  it.each([
    [0.01, 1, [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1]],
    [1e-4, 10, [1e-4, 1e-3, 1e-2, 0.1, 1, 10]],
    [1e-12, 1, [1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1]],
  ])('by powers from %d to %d', (low, high, ticks) => {
    expect(logTicks(low, high)).toEqual(ticks);
  });

  it('rise inside of the range, and are a few', () => {
    const size = fc.double({ min: 1e-9, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.double({ min: -1e6, max: 1e6, noNaN: true }), size, (low, span) => {
        fc.pre(low + span - low > 1e-6 * Math.abs(low));
        const ticks = linearTicks(low, low + span);
        expect(ticks.length).toBeGreaterThanOrEqual(2);
        expect(ticks.length).toBeLessThanOrEqual(7);
        ticks.slice(1).forEach((tick, at) => expect(tick).toBeGreaterThan(ticks[at] ?? 0));
        expect(ticks[0]).toBeGreaterThanOrEqual(low - span * 1e-6);
        expect(ticks.at(-1)).toBeLessThanOrEqual(low + span * (1 + 1e-6));
      }),
    );
  });
});

it.each([
  [0, '0'],
  [0.123456, '0.1235'],
  [1234.56, '1235'],
  [1e-4, '1e-4'],
  [0.00012345, '1.234e-4'],
  [-2.5e7, '-2.5e+7'],
  [NaN, 'not a number'],
  [Infinity, 'Infinity'],
])('%d is written %s', (value, text) => {
  expect(shortNumber(value)).toBe(text);
});
