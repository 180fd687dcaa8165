/** What the tokens beside a bracket say about it: whether a declaration, a body, a list of stages is due. */
import type { IToken, TokenType } from 'chevrotain';
import type { SourceFile } from '../source.ts';
import * as t from '../tokens.ts';

export const closerOf: ReadonlyMap<TokenType, TokenType> = new Map([
  [t.LParen, t.RParen],
  [t.LSquare, t.RSquare],
  [t.LCurly, t.RCurly],
]);
export const closers: ReadonlySet<TokenType> = new Set(closerOf.values());

/** The last tokens of operands. */
export const operandEnds: ReadonlySet<TokenType> = new Set([
  t.RCurly,
  t.RParen,
  t.RSquare,
  t.Identifier,
  t.NumberToken,
  t.StringToken,
  t.True,
  t.False,
  t.None,
]);
/** First tokens of stages and entries; none of them goes on with an expression. */
const contentStarts: ReadonlySet<TokenType> = new Set([t.Identifier, t.From, t.Seq, t.For, t.If]);
/** Never inside a bracket of any kind. */
const fileWords: ReadonlySet<TokenType> = new Set([t.Import, t.Fn, t.Block, t.Model]);
/** Only in bodies, never in other brackets. */
export const statementWords: ReadonlySet<TokenType> = new Set([t.Let, t.Const, t.Assert, t.Return]);

/** `block name`, `model name`, `fn name`, `import {`; not a reserved word in a place where it is no declaration. */
export function isDeclarationWord(tokens: readonly IToken[], index: number): boolean {
  const type = tokens[index]?.tokenType;
  if (!type || !fileWords.has(type)) return false;
  return tokens[index + 1]?.tokenType === (type === t.Import ? t.LCurly : t.Identifier);
}

/** A declaration word, or a directive's head at the very start of a line: `train base for M {`. */
export function startsDeclaration(file: SourceFile, tokens: readonly IToken[], index: number): boolean {
  const token = tokens[index];
  if (!token) return false;
  if (isDeclarationWord(tokens, index)) return true;
  if (!isAtMargin(file, token)) return false;
  if (token.tokenType === t.Const) return true;
  if (token.tokenType !== t.Identifier) return false;
  const head = tokens.slice(index + 1, index + 5).map((next) => next.tokenType);
  if (head[0] === t.Identifier) head.shift();
  if (head[0] === t.For && head[1] === t.Identifier) return head[2] === t.LCurly;
  return head[0] === t.LCurly && tokens[index + 1]?.tokenType === t.Identifier;
}

export function isAtMargin(file: SourceFile, token: IToken): boolean {
  return token.startOffset === 0 || file.text[token.startOffset - 1] === '\n';
}

/** True where the line that holds the token is not indented. */
export function lineIsAtMargin(file: SourceFile, token: IToken): boolean {
  const start = file.text.lastIndexOf('\n', token.startOffset - 1) + 1;
  return !/\s/.test(file.text[start] ?? '');
}

/** True where a line break stands in front of the token at `index`. */
export function isFirstOnLine(file: SourceFile, tokens: readonly IToken[], index: number): boolean {
  const before = tokens[index - 1];
  const token = tokens[index];
  if (!before || !token) return true;
  return file.text.slice(before.startOffset + before.image.length, token.startOffset).includes('\n');
}

/** True where two operands meet at `index`, or a `seq` and its first stage: there a brace is due. */
export function beginsContent(tokens: readonly IToken[], index: number): boolean {
  const type = tokens[index]?.tokenType;
  const before = tokens[index - 1]?.tokenType;
  return (
    type !== undefined &&
    before !== undefined &&
    contentStarts.has(type) &&
    (before === t.Seq || operandEnds.has(before))
  );
}

const SCAN_LIMIT = 200;

/** Type of the first closer from `index` on that closes what was opened before `index`, if it is near. */
export function nextOuterCloser(tokens: readonly IToken[], index: number): TokenType | undefined {
  let depth = 0;
  for (let at = index; at < Math.min(tokens.length, index + SCAN_LIMIT); at++) {
    const type = tokens[at]?.tokenType;
    if (!type || statementWords.has(type) || fileWords.has(type)) return undefined;
    if (closerOf.has(type)) depth++;
    if (closers.has(type) && depth-- === 0) return type;
  }
  return undefined;
}
