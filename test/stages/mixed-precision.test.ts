import { describe, expect, it } from 'vitest';
import { keepSensitive, sqnr, type Scores } from '../../compiler/stages/quantize/mixed-precision.ts';

const layers = ['a', 'b', 'c'];

/** Scores of one sample that layer by layer go wrong by these amounts; accuracy falls with their sum. */
const noise: Readonly<Record<string, number>> = { a: 0.1, b: 0.4, c: 0.2 };
const scoresWith = (keepFloat: readonly string[]): Scores => {
  const wrong = layers
    .filter((layer) => !keepFloat.includes(layer))
    .reduce((sum, layer) => sum + (noise[layer] ?? 0), 0);
  return { accuracy: 0.9 - wrong / 10, values: [Float32Array.of(1 + wrong, 2)] };
};
const float = scoresWith(layers);

const search = (drop: number, given: readonly string[] = []) => {
  const asked: string[] = [];
  const evaluate = (keepFloat: readonly string[], what: string): Promise<Scores> => {
    asked.push(what);
    return Promise.resolve(scoresWith(keepFloat));
  };
  const open = layers.filter((layer) => !given.includes(layer));
  return keepSensitive({ layers: open, float, drop, evaluate }, given).then((found) => ({ ...found, asked }));
};

describe('mixed precision', () => {
  it('measures no sensitivity where int8 is good enough', async () => {
    const { kept, holds, asked } = await search(0.071);
    expect({ kept, holds, asked }).toEqual({ kept: [], holds: true, asked: ['int8'] });
  });

  it('keeps the most sensitive layers until the drop holds', async () => {
    const { kept, holds, scores, asked } = await search(0.031);
    expect(kept.map(({ path }) => path)).toEqual(['b']);
    // b alone: signal 5, noise 0.4^2.
    expect(kept[0]?.sqnr).toBeCloseTo(10 * Math.log10(5 / 0.16), 5);
    expect(holds).toBe(true);
    expect(scores.accuracy).toBeCloseTo(0.87, 12);
    expect(asked).toEqual(['int8', 'sensitivity of a', 'sensitivity of b', 'sensitivity of c', 'int8 without b']);
    expect((await search(0.011)).kept.map(({ path }) => path)).toEqual(['b', 'c']);
  });

  it('starts from the layers that are kept anyway, and may keep all', async () => {
    expect((await search(0.015, ['b'])).kept.map(({ path }) => path)).toEqual(['c']);
    const { kept, holds } = await search(0);
    expect(kept.map(({ path }) => path)).toEqual(['b', 'c', 'a']);
    expect(holds).toBe(true);
  });

  it('says that even float32 is not enough where a layer goes wrong by itself', async () => {
    const evaluate = (): Promise<Scores> => Promise.resolve({ accuracy: 0.5, values: [Float32Array.of(1)] });
    const found = await keepSensitive(
      { layers: ['a'], float: { accuracy: 0.9, values: [Float32Array.of(1)] }, drop: 0.1, evaluate },
      [],
    );
    expect(found.holds).toBe(false);
  });

  it('counts decibels over all samples', () => {
    expect(sqnr([Float32Array.of(3, 4)], [Float32Array.of(3, 3.5)])).toBeCloseTo(20, 12);
    expect(sqnr([Float32Array.of(1)], [Float32Array.of(1)])).toBe(Infinity);
  });
});
