/** One corrupted token in a program of the repository is one error, near the token; checking it ends. */
import { expect, it } from 'vitest';
import type { Diagnostic } from '../../grammar/diagnostics.ts';
import { parse } from '../../grammar/parse.ts';
import { positionAt } from '../../grammar/source.ts';
import { amount, isFull } from '../amount.ts';
import { check } from '../analyze/memory-host.ts';
import { filesBelow, readText } from '../source-tree.ts';
import type { Corruption } from './corruption.ts';
import { corrupt, randomNumbers } from './corruption.ts';

const programs = filesBelow('')
  .filter((path) => path.endsWith('.cnn') && !path.startsWith('test/errors/'))
  .map(readText);
const seed = Number(process.env['CNNC_SEED'] ?? 1);

const errorsOf = (diagnostics: readonly Diagnostic[]): readonly Diagnostic[] =>
  diagnostics.filter(({ severity }) => severity === 'error');

/** True where the first error lies on a line of the fault or next to one. */
function isNear({ text, start, end }: Corruption, { span }: Diagnostic): boolean {
  const file = { path: 'main.cnn', text };
  const line = positionAt(file, span.start).line;
  return line >= positionAt(file, start).line - 1 && line <= positionAt(file, end).line + 1;
}

const corruptions = amount(400, 4000);

it(`${corruptions} corruptions: errors near the fault, mostly one`, () => {
  const random = randomNumbers(seed);
  let [invalid, near, single] = [0, 0, 0];
  for (let index = 0; index < corruptions; index++) {
    const corruption = corrupt(programs[Math.floor(random() * programs.length)] ?? '', random);
    const { text } = corruption;
    const syntax = errorsOf(parse({ path: 'main.cnn', text }).diagnostics);
    const errors = syntax.length > 0 ? syntax : errorsOf(check(text).diagnostics);
    const [first] = errors;
    if (!first) continue;
    invalid++;
    if (isNear(corruption, first)) near++;
    if (errors.length === 1) single++;
  }
  const share = (count: number): string => `${((100 * count) / invalid).toFixed(2)}%`;
  console.log(
    `seed ${seed}: ${invalid} of ${corruptions} invalid, ${share(near)} near, ${share(single)} with one error`,
  );
  // Of the tokens of a program, few can take the place of another unnoticed.
  expect(invalid).toBeGreaterThan(0.75 * corruptions);
  // Of a quick run's few, a share may lie three standard deviations below.
  const least = (part: number): number => part - (isFull ? 0 : 3 * Math.sqrt((part * (1 - part)) / invalid));
  expect(near / invalid).toBeGreaterThanOrEqual(least(0.98));
  expect(single / invalid).toBeGreaterThanOrEqual(least(0.8));
});

it('damaged programs are parsed and checked to an end, in bounded memory', () => {
  const count = amount(400, 4000);
  const random = randomNumbers(seed + 1);
  let heap = 0;
  for (let index = 0; index < count; index++) {
    let text = programs[Math.floor(random() * programs.length)] ?? '';
    for (let edits = 1 + Math.floor(random() * 4); edits > 0; edits--) text = damage(text, random);
    check(text);
    if (index % 100 === 0) heap = Math.max(heap, process.memoryUsage().heapUsed);
  }
  console.log(`seed ${seed}: ${count} inputs, heap ${(heap / 2 ** 20).toFixed(0)} MiB`);
  expect(heap).toBeLessThan(2 ** 30);
});

/** A token corrupted, a piece doubled, or characters put somewhere. */
function damage(text: string, random: () => number): string {
  const choice = random();
  const at = Math.floor(random() * text.length);
  if (choice < 0.7) {
    // Damage may leave fewer than two tokens.
    return text.trim().length > 40 ? corrupt(text, random).text : text;
  }
  const length = Math.floor(random() * 80);
  if (choice < 0.8) return text.slice(0, at) + text.slice(at, at + length).repeat(2) + text.slice(at + length);
  if (choice < 0.9) return text.slice(0, at) + text.slice(at + length);
  const pieces = ['"', '#', '{', '}', '(', '|>', '9e999', '-', '\\', '\0', '\ud800', '99999', '@ "', '%', '0x'];
  return text.slice(0, at) + (pieces[Math.floor(random() * pieces.length)] ?? '') + text.slice(at);
}
