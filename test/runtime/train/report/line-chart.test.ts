/** Line charts as SVG: where points lie, what is left out, and that no text breaks out. */
import { describe, expect, it } from 'vitest';
import { lineChart, thin, type Chart, type Point } from '../../../../runtime/train/report/line-chart.ts';

const chart = (points: readonly Point[], more: Partial<Chart> = {}): string =>
  lineChart({ title: 'loss', xLabel: 'epoch', series: [{ label: 'training', points }], ...more });

/** Coordinates of the first line. */
const placesOf = (svg: string): readonly (readonly number[])[] =>
  (/<polyline [^>]*points="([^"]*)"/.exec(svg)?.[1] ?? '').split(' ').map((pair) => pair.split(',').map(Number));

describe('a chart', () => {
  it('places points between the edges, upwards for more', () => {
    const svg = chart([
      [0, 0],
      [1, 1],
      [2, 0.5],
    ]);
    expect(placesOf(svg)).toEqual([
      [58, 214],
      [343, 14],
      [628, 114],
    ]);
    expect(svg).toContain('<title>training at 2: 0.5</title>');
  });

  it('takes a logarithmic axis where values are far apart', () => {
    const points: readonly Point[] = [
      [0, 1],
      [1, 0.1],
      [2, 0.01],
    ];
    const svg = chart(points, { mayBeLogarithmic: true });
    expect(placesOf(svg).map(([, y]) => y)).toEqual([14, 114, 214]);
    expect(svg).toContain('logarithmic');
    expect(chart(points)).not.toContain('logarithmic');
    expect(chart([[0, 1], ...points.slice(0, 1)], { mayBeLogarithmic: true })).not.toContain('logarithmic');
  });

  it('leaves out what is not finite, and itself where nothing is left', () => {
    const svg = chart([
      [0, 1],
      [1, NaN],
      [2, Infinity],
      [3, 2],
    ]);
    expect(placesOf(svg)).toHaveLength(2);
    expect(svg).not.toMatch(/NaN|Infinity/);
    expect(chart([[1, NaN]])).toBe('');
  });

  it.each([
    [[[1, 5]]],
    [[[1, 0]]],
    [
      [
        [1, -3],
        [2, -3],
      ],
    ],
  ] as const)('of constant values %j has an axis', (points) => {
    expect(chart(points)).not.toMatch(/NaN|Infinity/);
    for (const [x, y] of placesOf(chart(points))) {
      expect(x).toBeGreaterThanOrEqual(58);
      expect(x).toBeLessThanOrEqual(628);
      expect(y).toBeGreaterThanOrEqual(14);
      expect(y).toBeLessThanOrEqual(214);
    }
  });

  it('ends at a round number that a value reaches, whatever quotients round to', () => {
    const points: readonly Point[] = [
      [1, 0.325],
      [2, 1],
    ];
    const wanted = ['0.2', '0.4', '0.6', '0.8', '1'];
    for (const more of [{}, { upTo: 1 }]) {
      const ticks = [...chart(points, more).matchAll(/text-anchor="end">([\d.]+)</g)].map(([, tick]) => tick);
      expect(ticks).toEqual(wanted);
    }
  });

  it('marks a moment', () => {
    const svg = chart(
      [
        [0, 0],
        [4, 1],
      ],
      { markers: [{ x: 1, label: 'best' }] },
    );
    expect(svg).toMatch(/<line class="marker" x1="200.5".*>best</);
  });

  it('escapes every text, and leaves out what XML forbids', () => {
    const evil = '"><script>&\u001b[31m\u0000';
    const svg = lineChart({
      title: evil,
      xLabel: evil,
      series: [{ label: evil, points: [[0, 1]] }],
      markers: [{ x: 0, label: evil }],
    });
    expect(svg).not.toContain('<script');
    expect(svg).not.toContain('"">');
    expect(svg.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe('many points', () => {
  const points = Array.from({ length: 10_000 }, (_, at): Point => [at, at === 7777 ? 50 : Math.sin(at)]);

  it('become few, with every peak', () => {
    const few = thin(points, 500);
    expect(few.length).toBeLessThanOrEqual(502);
    expect(few).toContainEqual([7777, 50]);
    expect(few.map(([x]) => x)).toEqual(few.map(([x]) => x).sort((a, b) => a - b));
  });

  it('have no dots', () => {
    expect(chart(points)).not.toContain('<circle');
  });
});
