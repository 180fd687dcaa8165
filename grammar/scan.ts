/** Text to tokens, with the faults that need no grammar: characters, strings, numbers. */
import type { ILexingError, IToken } from 'chevrotain';
import { diagnostic } from './diagnostics.ts';
import type { Diagnostic } from './diagnostics.ts';
import { numberFault, stringFaults } from './literals.ts';
import type { SourceFile, Span } from './source.ts';
import { DocComment, Comment, Identifier, keywords, lexer, NumberToken, StringToken } from './tokens.ts';

export interface Scan {
  readonly tokens: IToken[];
  /** `#` and `##` comments in order. */
  readonly comments: readonly IToken[];
  readonly diagnostics: readonly Diagnostic[];
}

/** A text with more lexical faults than this is no `.cnn` file; the rest would only cost memory. */
const MAX_FAULTS = 1000;

/** All tokens of a text; a fault leaves a token out or keeps it in its nearest meaning. */
export function scan(file: SourceFile, text: string = file.text): Scan {
  const { tokens, groups, errors } = lexer.tokenize(text);
  const diagnostics = errors.slice(0, MAX_FAULTS).map((error) => unexpectedCharacter(file, error));
  for (const token of tokens) {
    if (token.tokenType === NumberToken) {
      const fault = numberFault(token.image, tokenSpan(file, token));
      if (fault) diagnostics.push(fault);
    } else if (token.tokenType === StringToken) {
      for (const fault of stringFaults(token.image, file, token.startOffset)) diagnostics.push(fault);
    }
    if (diagnostics.length >= MAX_FAULTS) break;
  }
  return { tokens, comments: groups['comments'] ?? [], diagnostics };
}

export function tokenSpan(file: SourceFile, token: IToken): Span {
  return { file, start: token.startOffset, end: token.startOffset + token.image.length };
}

export type LexemeKind = 'keyword' | 'identifier' | 'number' | 'string' | 'sign' | 'comment' | 'doc';

/** One token for tools that work on the text: the formatter, the editor's colours. */
export interface Lexeme {
  readonly kind: LexemeKind;
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** Every token and comment of a text in order; characters that belong to no token are left out. */
export function tokenize(file: SourceFile): readonly Lexeme[] {
  const { tokens, groups } = lexer.tokenize(file.text);
  const all = [...tokens, ...(groups['comments'] ?? [])].sort((a, b) => a.startOffset - b.startOffset);
  return all.map((token) => ({
    kind: lexemeKind(token),
    text: token.image,
    start: token.startOffset,
    end: token.startOffset + token.image.length,
  }));
}

const keywordSet: ReadonlySet<string> = new Set(keywords);

export function isKeyword(word: string): boolean {
  return keywordSet.has(word);
}

function lexemeKind(token: IToken): LexemeKind {
  if (token.tokenType === DocComment) return 'doc';
  if (token.tokenType === Comment) return 'comment';
  if (token.tokenType === NumberToken) return 'number';
  if (token.tokenType === StringToken) return 'string';
  if (token.tokenType === Identifier) return 'identifier';
  return isKeyword(token.image) ? 'keyword' : 'sign';
}

/** What was probably meant by a character that the language does not have. */
const replacements: ReadonlyMap<string, string> = new Map([
  ['&', 'the logical and is `&&`'],
  ['|', 'a stage follows `|>`, the logical or is `||`'],
  ['\u201c', 'strings stand in straight double quotes, as in `"name"`'],
  ['\u201d', 'strings stand in straight double quotes, as in `"name"`'],
  ['\u00a0', 'this is a no-break space; type an ordinary space'],
  ['\u2013', 'this is a dash; the minus sign is `-`'],
  ['\u2212', 'this is a typographic minus; the minus sign is `-`'],
  ['\u00d7', 'the multiplication sign is `*`'],
  ['\u2264', 'write `<=`'],
  ['\u2265', 'write `>=`'],
  ['\u2260', 'write `!=`'],
  ['\u2192', 'write `->`'],
  ['^', 'the language has no power operator; x squared is `x * x`'],
  ['?', 'a choice is written `if c then a else b`'],
]);

/** One fault for a run of unexpected characters; the first names it. */
function unexpectedCharacter(file: SourceFile, error: ILexingError): Diagnostic {
  const run = file.text.slice(error.offset, error.offset + error.length);
  const first = String.fromCodePoint(run.codePointAt(0) ?? 0);
  const span: Span = { file, start: error.offset, end: error.offset + run.length };
  const help = replacements.get(first) ?? otherHelp(first);
  const message = `unexpected character ${showCharacter(first)}`;
  return diagnostic('E0101', span, message, help === undefined ? {} : { help });
}

function otherHelp(character: string): string | undefined {
  return /\p{L}/u.test(character) ? 'names are made of ASCII letters, digits and `_`' : undefined;
}

/** The character itself where a terminal can show it, its code point otherwise. */
export function showCharacter(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  const point = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  return surrogate || /[\p{C}\p{Z}]/u.test(character) ? point : `\`${character}\``;
}
