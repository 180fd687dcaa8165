/** Any text at all is parsed in bounded time, without an exception, with diagnostics that point into it. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, tokenize } from '../../grammar/parse.ts';
import { renderDiagnostics } from '../../grammar/render.ts';
import { keywords } from '../../grammar/tokens.ts';
import { amount } from '../amount.ts';
import { filesBelow, readText } from '../source-tree.ts';
import { nodes } from './parsed.ts';

const contract = filesBelow('test/grammar/contract').map(readText);

/** What must hold of every text. */
function examine(text: string): void {
  const { program, diagnostics } = parse({ path: 'soup.cnn', text });
  // Not an expectation each: there are hundreds of thousands.
  const faults: string[] = [];
  const must = (holds: boolean, what: string): unknown => holds || faults.push(what);
  let last = 0;
  for (const { span, message, code, notes } of diagnostics) {
    must(/^E01\d\d$/.test(code) && /^[^A-Z\n].*[^.]$/.test(message), `${code}: ${message}`);
    for (const each of [span, ...notes.map((note) => note.span)]) {
      must(each.start >= 0 && each.end >= each.start && each.end <= text.length, `${each.start} to ${each.end}`);
    }
    must(span.start >= last, `${span.start} behind ${last}`);
    last = span.start;
  }
  for (const { node } of nodes(program)) must(node.span.end >= node.span.start, `${node.kind} ends before it begins`);
  expect(faults).toEqual([]);
  renderDiagnostics(diagnostics, { color: true });
}

const piece = fc.oneof(
  fc.constantFrom(...keywords, 'x', 'train', '50%', '2', '0.5', '"s"', '"', '#', '\n', '\\', '$', '\0', '\ud800'),
  fc.constantFrom(...'(){}[],;:=.@+-*/%!<>|&', '|>', '||', '&&', '==', '..', '//', '->', '<='),
);

describe('token soup', () => {
  it('never throws', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => examine(pieces.join(' '))),
      { numRuns: amount(100, 3000) },
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => examine(pieces.join(''))),
      { numRuns: amount(40, 1000) },
    );
  });

  it('nor does any string', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), examine), { numRuns: amount(40, 1000) });
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 100 });
    fc.assert(
      fc.property(units, (codes) => examine(String.fromCharCode(...codes))),
      { numRuns: amount(40, 1000) },
    );
  });
});

type Edit = (text: string, at: number, other: number) => string;

/** The token that holds a random number's share of the text. */
function pick(text: string, at: number): { start: number; end: number; text: string } {
  const tokens = tokenize({ path: 'pick', text });
  return tokens[at % Math.max(tokens.length, 1)] ?? { start: 0, end: 0, text: '' };
}

const edits: Readonly<Record<string, Edit>> = {
  'a token deleted': (text, at) => {
    const token = pick(text, at);
    return text.slice(0, token.start) + text.slice(token.end);
  },
  'a token twice': (text, at) => {
    const token = pick(text, at);
    return `${text.slice(0, token.end)} ${token.text} ${text.slice(token.end)}`;
  },
  'a token for another': (text, at, other) => {
    const token = pick(text, at);
    return `${text.slice(0, token.start)} ${pick(text, other).text} ${text.slice(token.end)}`;
  },
  'a character replaced': (text, at, other) => {
    const place = at % (text.length + 1);
    return text.slice(0, place) + String.fromCharCode(other % 0x10000) + text.slice(place + 1);
  },
  'the end cut off': (text, at) => text.slice(0, at % (text.length + 1)),
};

describe('mutations of the contract files', () => {
  it.each(Object.entries(edits))('%s', (_, edit) => {
    const places = fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.constantFrom(...contract), places, (text, all) => {
        examine(all.reduce((changed, [at, other]) => edit(changed, at, other), text));
      }),
      { numRuns: amount(15, 300) },
    );
  });

  it('one token deleted is one fault', () => {
    const counts = contract.flatMap((text) =>
      tokenize({ path: 'all', text })
        .filter(({ kind }) => kind !== 'comment' && kind !== 'doc')
        .map(({ start, end }) => {
          const { diagnostics } = parse({ path: 'cut.cnn', text: text.slice(0, start) + text.slice(end) });
          return diagnostics.length;
        }),
    );
    // Some deletions make no fault: a comma in front of a bracket, a `-`, a whole argument.
    expect(counts.length).toBeGreaterThan(2000);
    expect(Math.max(...counts)).toBe(1);
    expect(counts.filter((count) => count === 1).length / counts.length).toBeGreaterThan(0.8);
  });
});

describe('large texts', () => {
  const lines = contract.join('\n').split('\n').length;

  const asked = amount(5_000, 60_000);
  it(`${asked} lines parse`, () => {
    const text = `${contract.join('\n')}\n`.repeat(Math.ceil(asked / lines));
    const { program, diagnostics } = parse({ path: 'large.cnn', text });
    expect(diagnostics).toEqual([]);
    expect(program.declarations.length).toBeGreaterThan(asked / 12);
  });

  it.each([
    '(',
    ')',
    ']',
    '(]',
    '$ ',
    'a ',
    'let ',
    'if ',
    '"\n',
    '\\',
    '##\n',
    'a{} ',
    'a{b:} ',
    '\0',
    '\ud800 ',
    '1_',
    '- ',
  ])('tens of thousands of %j', (unit) => {
    examine(unit.repeat(Math.floor(amount(8_000, 500_000) / unit.length)));
  });
});
