/** TOUR.md as a new user would try it: every file is written, every change made, every command run and compared. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { readText, root } from '../source-tree.ts';
import { cnnc } from './cnnc.ts';

interface Fence {
  readonly language: string;
  readonly text: string;
}

const tour = readText('TOUR.md');
const fence = /^```(\w[^\n]*)\n(.*?)^```$/gms;

/** The file with every `-` text replaced by the `+` text; fails where it is not there exactly once. */
function changed(source: string, diff: string): string {
  const side = (sign: string): string =>
    diff
      .trimEnd()
      .split('\n')
      .filter((line) => line.startsWith(sign))
      .map((line) => line.slice(1))
      .join('\n');
  expect(source.split(side('-'))).toHaveLength(2);
  return source.replace(side('-'), () => side('+'));
}

/** What is the same wherever a training runs: not its figures, their widths and units, nor which epoch is the best. */
const withoutFigures = (text: string): string =>
  text
    .replaceAll(/\d+(\.\d+)?(e[-+]?\d+)?( m?s\b)?/g, '#')
    .replaceAll(/ {2}best$/gm, '')
    .replaceAll(/\s+/g, ' ');

/**
 * What each command prints, below it; `silent` ones only have to succeed, and of `figures` only what stdout says without
 * them has to be the same.
 */
async function run(folder: string, { language, text }: Fence): Promise<string> {
  const [isSilent, hasFigures] = [language.endsWith('silent'), language.endsWith('figures')];
  const lines: string[] = [];
  for (const [line, command = ''] of text.matchAll(/^\$ npx cnnc (.*)$/gm)) {
    const argv = command.split(' ').map((word) => (/[./]/.test(word) ? join(folder, word) : word));
    const { code, out, err } = await cnnc(...argv);
    const printed = `${out}${hasFigures ? '' : err}`.replaceAll(`${folder}/`, '').trimEnd();
    if (isSilent) expect({ command, code, err }).toEqual({ command, code: 0, err: '' });
    if (hasFigures) expect({ command, code, err }).toMatchObject({ code: 0 });
    lines.push(line, ...(isSilent || printed === '' ? [] : [printed]));
  }
  const printed = `${lines.join('\n')}\n`;
  const isAlike = hasFigures && withoutFigures(printed) === withoutFigures(text);
  return isAlike && process.env['CNNC_BLESS'] !== '1' ? text : printed;
}

it('prints what the tour says (CNNC_BLESS=1 writes it)', async () => {
  const folder = temporaryFolder({});
  let source = '';
  const counts = { cnn: 0, diff: 0, console: 0 };
  const parts: string[] = [];
  let end = 0;
  for (const { 0: whole, 1: language = '', 2: text = '', index } of tour.matchAll(fence)) {
    const [kind = '', name = 'digits.cnn'] = language.split(' ');
    if (kind === 'cnn') writeFileSync(join(folder, name), (source = text));
    if (kind === 'diff') writeFileSync(join(folder, name), changed(source, text));
    const printed = kind === 'console' ? await run(folder, { language, text }) : text;
    if (kind in counts) counts[kind as keyof typeof counts]++;
    parts.push(tour.slice(end, index), `\`\`\`${language}\n${printed}\`\`\``);
    end = index + whole.length;
  }
  const made = parts.join('') + tour.slice(end);
  if (process.env['CNNC_BLESS'] === '1') writeFileSync(join(root, 'TOUR.md'), made);
  else expect(tour).toBe(made);
  expect(counts).toEqual({ cnn: 3, diff: 12, console: 20 });
});

it('shows a different code for each of the ten ways, and a help line for most', () => {
  const broken = tour.slice(tour.indexOf('## Ten ways'), tour.indexOf('## Training'));
  const shown = [...broken.matchAll(/^```console\n(.*?)^```$/gms)].map(([, text = '']) => text);
  const faults = shown.filter((text) => /^error\[E\d{4}\]: /m.test(text));
  // One is mended on the spot.
  expect([shown.length, faults.length]).toEqual([11, 10]);
  expect(new Set(faults.map((text) => /E\d{4}/.exec(text)?.[0])).size).toBe(10);
  expect(faults.filter((text) => text.includes('\nhelp: ')).length).toBeGreaterThanOrEqual(7);
});
