/** The one style: fixed points, comments, and the syntax tree unchanged on random programs. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { format } from '../../grammar/format.ts';
import { parse, tokenize } from '../../grammar/parse.ts';
import { amount } from '../amount.ts';
import { filesBelow, readText } from '../source-tree.ts';
import { randomProgram } from './random-program.ts';

const spans = new Set(['span', 'operatorSpan', 'fromSpan', 'file']);
const treeOf = (text: string): string =>
  JSON.stringify(parse({ path: 'main.cnn', text }).program, (key, value: unknown) =>
    spans.has(key) ? undefined : value,
  );
const commentsOf = (text: string): readonly string[] =>
  tokenize({ path: 'main.cnn', text }).flatMap((each) =>
    each.kind === 'comment' || each.kind === 'doc' ? [each.text.trimEnd()] : [],
  );
const formatted = (text: string): string => {
  const result = format({ path: 'main.cnn', text });
  if (result === undefined) throw new Error(`syntax errors in:\n${text}`);
  return result;
};

const files = filesBelow('').filter((path) => path.endsWith('.cnn') && !path.startsWith('test/errors/'));

describe('every file of the repository', () => {
  it.each(files)('%s is in the one style', (path) => {
    expect(formatted(readText(path))).toBe(readText(path));
  });

  it.each(files)('%s comes back from one line a token', (path) => {
    const text = readText(path);
    const tokens = tokenize({ path, text }).map((token) => token.text);
    const result = formatted(tokens.join('\n'));
    expect(tokenize({ path, text: result }).filter(({ kind }) => kind === 'comment')).toHaveLength(
      tokens.filter((token) => /^#([^#]|##)/.test(token)).length,
    );
    expect(formatted(result)).toBe(result);
  });
});

describe('random programs', () => {
  it('keep their tree and comments, and are fixed after one run', () => {
    let checked = 0;
    fc.assert(
      fc.property(randomProgram, (text) => {
        const result = format({ path: 'main.cnn', text });
        fc.pre(result !== undefined);
        checked++;
        expect(treeOf(result ?? '')).toBe(treeOf(text));
        expect(commentsOf(result ?? '').toSorted()).toEqual(commentsOf(text).toSorted());
        expect(formatted(result ?? '')).toBe(result);
      }),
      { numRuns: amount(60, 600), maxSkipsPerRun: 1000 },
    );
    expect(checked).toBeGreaterThan(0);
  });
});

it('gives nothing for a text with syntax errors', () => {
  expect(format({ path: 'main.cnn', text: 'const = 3' })).toBeUndefined();
});
