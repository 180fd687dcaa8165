/** The repository names no registry host and no path of the machine it was written on, and leaves nothing unfinished. */
import { expect, it } from 'vitest';
import { filesBelow, readText } from './source-tree.ts';

// In parts, so that this file passes its own test.
const forbidden: readonly (readonly string[])[] = [
  ['registry', '.npmjs', '.org'],
  ['deb.', 'debian', '.org'],
  ['/wo', 'rk/'],
  ['/ro', 'ot/'],
  ['/ho', 'me/'],
  ['/Us', 'ers/'],
  ['Clau', 'de'],
  ['Anth', 'ropic'],
  ['Chat', 'GPT'],
  ['language ', 'assistant'],
  ['sub', 'agent'],
  ['Co-Auth', 'ored-By'],
  ['the ', 'brief'],
];
const words: readonly RegExp[] = [
  ...forbidden.map((parts) => new RegExp(parts.join('').replaceAll('.', '\\.'), 'i')),
  ...[
    ['TO', 'DO'],
    ['FIX', 'ME'],
    ['XX', 'X'],
  ].map((parts) => new RegExp(`\\b${parts.join('')}\\b`)),
];

const binary = /\.(png|jpe?g|npy|npz|gz|safetensors|bin)$/;
const texts = filesBelow('')
  .filter((path) => !binary.test(path))
  .map((path) => ({ path, lines: readText(path).split('\n') }));

it.each(words.map((word, index) => [index, word] as const))('no file holds forbidden word %i', (_, word) => {
  const found = texts.flatMap(({ path, lines }) =>
    lines.flatMap((line, at) => (word.test(line) ? [`${path}:${at + 1}`] : [])),
  );
  expect(found).toEqual([]);
});

it('reads the files that matter', () => {
  const paths = texts.map(({ path }) => path);
  for (const path of [
    'package.json',
    'package-lock.json',
    '.ci/run',
    'README.md',
    'compiler/compile/compile.ts',
    'test/words.test.ts',
  ]) {
    expect(paths).toContain(path);
  }
});
