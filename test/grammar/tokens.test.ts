/** The token and grammar definitions themselves, and the tokens that tools see. */
import { describe, expect, it } from 'vitest';
import { Lexer } from '../../grammar/chevrotain.ts';
import { tokenize } from '../../grammar/parse.ts';
import { CnnParser } from '../../grammar/parser.ts';
import { keywords, lexerConfig, vocabulary } from '../../grammar/tokens.ts';
import { filesBelow, readText } from '../source-tree.ts';

describe('definitions', () => {
  it('the grammar passes the self-analysis that is left out at run time', () => {
    expect(() => new CnnParser({ skipValidations: false })).not.toThrow();
  });

  it('so do the tokens', () => {
    expect(new Lexer(vocabulary, { ...lexerConfig, skipValidations: false }).lexerDefinitionErrors).toEqual([]);
  });

  it('every keyword is its own token, and with a letter more a name', () => {
    for (const word of keywords) {
      expect(tokenize({ path: 't', text: `${word} ${word}x` }).map(({ kind }) => kind)).toEqual([
        'keyword',
        'identifier',
      ]);
    }
  });
});

describe('tokenize', () => {
  const kinds = (text: string): string =>
    tokenize({ path: 't', text })
      .map((each) => `${each.kind}:${each.text}`)
      .join(' ');

  it.each([
    ['0..4', 'number:0 sign:.. number:4'],
    ['1.5', 'number:1.5'],
    ['a.b', 'identifier:a sign:. identifier:b'],
    ['x|>f', 'identifier:x sign:|> identifier:f'],
    ['a||b', 'identifier:a sign:|| identifier:b'],
    ['a<=b->c', 'identifier:a sign:<= identifier:b sign:-> identifier:c'],
    ['50%', 'number:50%'],
    ['50 %', 'number:50 sign:%'],
    ['7//2', 'number:7 sign:// number:2'],
    ['a # b\n## c\nd', 'identifier:a comment:# b doc:## c identifier:d'],
    ['"a # b"', 'string:"a # b"'],
    ['a $ b', 'identifier:a identifier:b'],
  ])('%j', (text, expected) => {
    expect(kinds(text)).toBe(expected);
  });

  it.each(filesBelow('test/grammar/contract'))('tokens and white space make up %s', (path) => {
    const text = readText(path);
    let end = 0;
    for (const token of tokenize({ path, text })) {
      expect(text.slice(end, token.start)).toMatch(/^\s*$/);
      expect(text.slice(token.start, token.end)).toBe(token.text);
      end = token.end;
    }
    expect(text.slice(end).trim()).toBe('');
  });
});

describe('editor grammar', () => {
  interface Rule {
    readonly match?: string;
    readonly begin?: string;
    readonly include?: string;
    readonly name?: string;
    readonly patterns?: readonly Rule[];
  }
  const grammar = JSON.parse(readText('grammar/cnn.tmLanguage.json')) as Rule & { repository: Record<string, Rule> };
  const rules: Rule[] = [];
  const collect = (rule: Rule): void => {
    rules.push(rule);
    rule.patterns?.forEach(collect);
  };
  [grammar, ...Object.values(grammar.repository)].forEach(collect);
  const nameOf = (word: string, prefix: string): string | undefined =>
    rules.find((rule) => rule.name?.startsWith(prefix) && new RegExp(`^(?:${rule.match})$`).test(word))?.name;

  it('holds valid patterns and includes', () => {
    for (const { match, begin, include } of rules) {
      if (match ?? begin) expect(() => new RegExp(match ?? begin ?? '')).not.toThrow();
      if (include) expect(Object.keys(grammar.repository)).toContain(include.slice(1));
    }
  });

  it('knows every keyword and every sign', () => {
    for (const word of keywords) expect(nameOf(word, ''), word).toMatch(/^(keyword|storage|constant)\./);
    for (const { LABEL, name } of vocabulary) {
      if (LABEL && !/^\w+$/.test(LABEL)) expect(nameOf(LABEL, ''), name).toMatch(/^(keyword|punctuation)/);
    }
  });

  it('reads every number of the contract files', () => {
    const number = grammar.repository['number']?.patterns?.map(({ match }) => new RegExp(`^(?:${match})$`)) ?? [];
    for (const path of filesBelow('test/grammar/contract')) {
      for (const { kind, text } of tokenize({ path, text: readText(path) })) {
        if (kind === 'number')
          expect(
            number.some((pattern) => pattern.test(text)),
            text,
          ).toBe(true);
      }
    }
  });
});
