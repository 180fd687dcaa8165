/** Where parsing goes on after a fault: the end of the construct that has it, brackets respected. */
import type { IToken, TokenType } from 'chevrotain';
import { statementWords } from './bracket-context.ts';
import type { BalancedTokens } from './brackets.ts';
import { isKeyword } from '../scan.ts';
import * as t from '../tokens.ts';

/** What the parser loops over. */
export type Construct = 'declaration' | 'statement' | 'stage' | 'entry' | 'parameter';

/** Index of a token in its list; of the end of the input, `length`. */
export function indexOf(token: IToken, length: number): number {
  const index: unknown = token.payload;
  return typeof index === 'number' ? index : length;
}

/** The index after a construct that began at `start` and failed at `found`: always beyond `start`. */
export function resumeAt(balanced: BalancedTokens, kind: Construct, start: IToken, found: IToken): number {
  const { tokens, close, parent } = balanced;
  const from = indexOf(start, tokens.length);
  const level = parent[from] ?? -1;
  const end = level < 0 ? tokens.length : (close[level] ?? tokens.length);
  let at = Math.min(indexOf(found, tokens.length), end);
  // The fault may lie inside brackets of the construct: step out of them.
  while (at < end && parent[at] !== level) at = (close[parent[at] ?? -1] ?? end) + 1;
  // A word that opens a construct but failed in the middle of a line is a misplaced name.
  if (at < end && at > from && at === indexOf(found, tokens.length) && !lineStart(balanced, at) && isWord(tokens[at]))
    at++;
  while (at < end) {
    if (at > from && begins(balanced, kind, at)) return at;
    at = Math.max(close[at] ?? -1, at) + 1;
  }
  return Math.max(end, from + 1);
}

function isWord(token: IToken | undefined): boolean {
  return token !== undefined && isKeyword(token.image);
}

/** True where the next construct can begin at `at`. */
function begins(balanced: BalancedTokens, kind: Construct, at: number): boolean {
  const type = balanced.tokens[at]?.tokenType;
  const before = balanced.tokens[at - 1]?.tokenType;
  if (!type) return true;
  switch (kind) {
    case 'parameter':
      return before === t.Comma;
    case 'stage':
      return (
        before === t.Semicolon || ((stageStarts.has(type) || statementWords.has(type)) && startsLine(balanced, at))
      );
    case 'entry':
      return before === t.Comma || before === t.Semicolon || startsLine(balanced, at) || isKey(balanced, at);
    case 'statement':
      return statementWords.has(type) || (type === t.If && startsLine(balanced, at));
    case 'declaration':
      return declarationWords.has(type) || ((type === t.Identifier || type === t.Let) && startsMargin(balanced, at));
  }
}

const declarationWords: ReadonlySet<TokenType> = new Set([t.Import, t.Const, t.Fn, t.Block, t.Model]);
const stageStarts: ReadonlySet<TokenType> = new Set([t.Identifier, t.StringToken, t.Seq, t.For, t.If]);
/** With these at its start a line goes on with the one before. */
const continuations: ReadonlySet<TokenType> = new Set([t.Pipe, t.Then, t.Else, t.Arrow, t.Dot, t.Comma, t.Assign]);

function startsLine(balanced: BalancedTokens, at: number): boolean {
  const type = balanced.tokens[at]?.tokenType;
  if (!type || continuations.has(type) || type.CATEGORIES?.includes(t.BinaryOperator)) return false;
  return lineStart(balanced, at);
}

function lineStart({ file, tokens }: BalancedTokens, at: number): boolean {
  const before = tokens[at - 1];
  const token = tokens[at];
  if (!before || !token) return true;
  return file.text.slice(before.startOffset + before.image.length, token.startOffset).includes('\n');
}

function startsMargin({ file, tokens }: BalancedTokens, at: number): boolean {
  const offset = tokens[at]?.startOffset ?? 0;
  return offset === 0 || file.text[offset - 1] === '\n';
}

function isKey({ tokens }: BalancedTokens, at: number): boolean {
  const type = tokens[at]?.tokenType;
  const next = tokens[at + 1]?.tokenType;
  return (type === t.Identifier || type === t.From) && (next === t.Assign || next === t.LCurly);
}
