/** Captions of boxes step aside for arrows, and stay where they are where nothing crosses them or no place is free. */
import { expect, it } from 'vitest';
import { placeCaptions } from '../../compiler/cli/commands/inspect/place-captions.ts';

const box = (right: number): string =>
  `<g id="clust1" class="cluster">\n<title>cluster_a&#45;b</title>\n<polygon points="0,-100 0,0 ${right},0 ${right},-100 0,-100"/>\n` +
  '<text text-anchor="start" x="8" y="-85" font-size="13.00">title</text>\n' +
  '<text text-anchor="start" x="8" y="-74" font-size="11.00">figures</text>\n</g>\n';
const arrow = (x: number): string =>
  `<g id="edge1" class="edge">\n<path d="M${x},-140C${x},-120 ${x},-100 ${x},-60"/>\n` +
  `<polygon points="${x - 2},-60 ${x},-55 ${x + 2},-60"/>\n</g>\n`;
const placed = (right: number, ...arrows: number[]): number[] => {
  const svg = placeCaptions(box(right) + arrows.map(arrow).join(''), new Map([['cluster_a-b', 60]]));
  return [...svg.matchAll(/<text [^>]*x="([-\d.]+)"/g)].map(([, x]) => Number(x));
};

it.each([
  ['no arrow', [200], [8, 8]],
  ['an arrow beside it', [200, 90], [8, 8]],
  ['an arrow through it', [200, 40], [45, 45]],
  ['two arrows, with room behind the second', [200, 40, 70], [75, 75]],
  ['two arrows with room between', [300, 40, 120], [45, 45]],
  ['no free place', [100, 40, 70], [8, 8]],
])('%s', (_, [right = 0, ...arrows], wanted) => {
  expect(placed(right, ...arrows)).toEqual(wanted);
});
