/** A syntax fault with the tokens around it, and the plain words for it. */
import type { IToken, TokenType } from 'chevrotain';
import { diagnostic } from '../diagnostics.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { isKeyword } from '../scan.ts';
import type { SourceFile, Span } from '../source.ts';
import * as t from '../tokens.ts';

/** A fault with the tokens around it. */
export interface Situation {
  readonly file: SourceFile;
  readonly tokens: readonly IToken[];
  readonly parent: Int32Array;
  /** Name of a token type, or `declaration`, `statement`, `stage`, `entry`, `value`. */
  readonly expected: string;
  /** Names of the rules that were open, the innermost last. */
  readonly rules: readonly string[];
  /** First token of the construct that has the fault. */
  readonly start: IToken;
  /** Index of the token that does not fit; the number of tokens at the end of the file. */
  readonly at: number;
}

/** The plain form: what was expected and what stands there. */
export function unexpected(situation: Situation, help?: string): Diagnostic {
  const message = `expected ${expectation(situation)}, found ${foundWords(situation)}`;
  return diagnostic('E0110', foundSpan(situation), message, help === undefined ? {} : { help });
}

export function tokenAt({ tokens, at }: Situation, offset = 0): IToken | undefined {
  return tokens[at + offset];
}

export function typeAt(situation: Situation, offset = 0): TokenType | undefined {
  return tokenAt(situation, offset)?.tokenType;
}

export function spanAt(situation: Situation, offset = 0): Span {
  const token = tokenAt(situation, offset);
  return token ? spanOfToken(situation, token) : foundSpan(situation);
}

export function spanOfToken({ file }: Situation, token: IToken): Span {
  return { file, start: token.startOffset, end: token.startOffset + token.image.length };
}

/** The token that does not fit, or the place after the last token. */
function foundSpan(situation: Situation): Span {
  const token = tokenAt(situation);
  if (token) return spanOfToken(situation, token);
  const last = situation.tokens.at(-1);
  const end = last ? last.startOffset + last.image.length : 0;
  return { file: situation.file, start: end, end };
}

const things: ReadonlyMap<string, string> = new Map([
  ['declaration', 'a declaration'],
  ['statement', 'a statement'],
  ['stage', 'a stage'],
  ['entry', 'an entry'],
  ['value', 'a value'],
  ['Identifier', 'a name'],
  ['KeyName', 'a name'],
  ['String', 'a string'],
]);
const signs: ReadonlyMap<string, string> = new Map(t.vocabulary.map(({ name, LABEL }) => [name, LABEL ?? name]));
const closerNames: ReadonlySet<string> = new Set([t.RParen.name, t.RSquare.name, t.RCurly.name]);
const listRules: ReadonlySet<string> = new Set([
  'import',
  'parameters',
  'type',
  'pattern',
  'parentheses',
  'list',
  'arguments',
]);

function expectation(situation: Situation): string {
  const { expected, rules } = situation;
  const words = things.get(expected) ?? `\`${signs.get(expected) ?? expected}\``;
  const wanted = wantedInList(situation);
  if (wanted === undefined) return words;
  return wanted === 'comma' ? `\`,\` or ${words}` : `${elementOf(rules.at(-1))} or ${words}`;
}

/** What an open list could go on with, beside its end; undefined elsewhere. */
export function wantedInList(situation: Situation): 'comma' | 'element' | undefined {
  const { expected, rules } = situation;
  if (!closerNames.has(expected) || !listRules.has(rules.at(-1) ?? '')) return undefined;
  const before = typeAt(situation, -1);
  return before !== t.Comma && before !== t.LParen && before !== t.LSquare ? 'comma' : 'element';
}

function elementOf(rule: string | undefined): string {
  if (rule === 'import' || rule === 'pattern') return 'a name';
  return rule === 'parameters' ? 'a parameter' : 'a value';
}

/** The token that does not fit, in words. */
export function foundWords(situation: Situation): string {
  const token = tokenAt(situation);
  if (!token) return 'the end of the file';
  if (token.tokenType === t.StringToken) return 'a string';
  const image = token.image.length <= 30 ? token.image : `${token.image.slice(0, 27)}...`;
  return isKeyword(token.image) ? `the keyword \`${image}\`` : `\`${image}\``;
}

/** True where a line break stands between the token at `offset` and the one before it. */
export function startsLine(situation: Situation, offset = 0): boolean {
  const before = tokenAt(situation, offset - 1);
  const token = tokenAt(situation, offset);
  if (!before || !token) return true;
  return situation.file.text.slice(before.startOffset + before.image.length, token.startOffset).includes('\n');
}
