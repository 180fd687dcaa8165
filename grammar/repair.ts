/** Repairs unbalanced brackets: adds the closers that are missing and drops those that close nothing. */
import type { IToken, TokenType } from 'chevrotain';
import { diagnostic } from './diagnostics.ts';
import type { Diagnostic } from './diagnostics.ts';
import { tokenSpan } from './scan.ts';
import type { SourceFile } from './source.ts';
import * as t from './tokens.ts';

export const closerOf: ReadonlyMap<TokenType, TokenType> = new Map([
  [t.LParen, t.RParen],
  [t.LSquare, t.RSquare],
  [t.LCurly, t.RCurly],
]);
export const closers: ReadonlySet<TokenType> = new Set(closerOf.values());
/** The last tokens of operands. */
export const operandEnds: ReadonlySet<TokenType> = new Set([
  t.RCurly, t.RParen, t.RSquare, t.Identifier, t.NumberToken, t.StringToken, t.True, t.False, t.None,
]); // prettier-ignore
/** Never inside a bracket of any kind. */
const fileWords: ReadonlySet<TokenType> = new Set([t.Import, t.Fn, t.Block, t.Model]);
/** Never inside round or square brackets. */
const statementWords: ReadonlySet<TokenType> = new Set([t.Let, t.Const, t.Assert, t.Return]);
/** After these a brace comes at the same level. */
const heads: ReadonlySet<TokenType> = new Set([t.If, t.For, t.Seq, t.Fn, t.Block, t.Model]);

/** Beyond this many faults the text is no `.cnn` file. */
const MAX_FAULTS = 1000;

interface Opener {
  readonly token: IToken;
  readonly closer: TokenType;
}

interface Repair {
  readonly file: SourceFile;
  readonly tokens: IToken[];
  readonly open: Opener[];
  /** Of the file and of every open bracket: true between a head such as `if` and its brace. */
  readonly awaitsBrace: boolean[];
  readonly diagnostics: Diagnostic[];
}

/** A balanced copy of the tokens; a fault is reported once, at the token that proves it, with a note at the opener. */
export function repair(file: SourceFile, tokens: readonly IToken[]): Pick<Repair, 'tokens' | 'diagnostics'> {
  const state: Repair = { file, tokens: [], open: [], awaitsBrace: [false], diagnostics: [] };
  tokens.forEach((token, index) => {
    closeBefore(state, tokens, index);
    const closer = closerOf.get(token.tokenType);
    if (token.tokenType === t.LCurly) state.awaitsBrace[state.open.length] = false;
    if (heads.has(token.tokenType)) state.awaitsBrace[state.open.length] = true;
    if (token.tokenType === t.Then) state.awaitsBrace[state.open.length] = false;
    if (closer) {
      state.open.push({ token, closer });
      state.awaitsBrace[state.open.length] = false;
    }
    if (!closers.has(token.tokenType) || matchCloser(state, token)) state.tokens.push(token);
  });
  closeDownTo(state, 0, undefined);
  return { tokens: state.tokens, diagnostics: state.diagnostics.slice(0, MAX_FAULTS) };
}

/** Closes what cannot reach across the token at `index`. */
function closeBefore(state: Repair, tokens: readonly IToken[], index: number): void {
  const { open } = state;
  const token = tokens[index];
  if (!token || open.length === 0) return;
  const type = token.tokenType;
  const outermost = open.findIndex((opener) => opener.closer !== t.RCurly);
  if (startsDeclaration(state.file, tokens, index)) closeDownTo(state, 0, token);
  else if (outermost >= 0 && (statementWords.has(type) || type === t.Arrow)) closeDownTo(state, outermost, token);
  else if (type === t.LCurly && operandEnds.has(tokens[index - 1]?.tokenType ?? type)) closeForBrace(state, token);
}

/** A brace after an operand is the body of a head, so it closes the round and square brackets opened since the head. */
function closeForBrace(state: Repair, token: IToken): void {
  const { open, awaitsBrace } = state;
  let level = open.length;
  while (level > 0 && !awaitsBrace[level] && open[level - 1]?.closer !== t.RCurly) level--;
  if (awaitsBrace[level]) closeDownTo(state, level, token);
}

/** `block name`, `model name`, `fn name`, `import {`; not a reserved word in a place where it is no declaration. */
export function isDeclarationWord(tokens: readonly IToken[], index: number): boolean {
  const type = tokens[index]?.tokenType;
  if (!type || !fileWords.has(type)) return false;
  return tokens[index + 1]?.tokenType === (type === t.Import ? t.LCurly : t.Identifier);
}

/** A declaration word, or a directive's head at the very start of a line: `train base for M {`. */
function startsDeclaration(file: SourceFile, tokens: readonly IToken[], index: number): boolean {
  const token = tokens[index];
  if (!token) return false;
  if (isDeclarationWord(tokens, index)) return true;
  const atMargin = token.startOffset === 0 || file.text[token.startOffset - 1] === '\n';
  if (!atMargin) return false;
  if (token.tokenType === t.Const) return true;
  if (token.tokenType !== t.Identifier) return false;
  const head = tokens.slice(index + 1, index + 5).map((next) => next.tokenType);
  if (head[0] === t.Identifier) head.shift();
  if (head[0] === t.For && head[1] === t.Identifier) return head[2] === t.LCurly;
  return head[0] === t.LCurly && tokens[index + 1]?.tokenType === t.Identifier;
}

/** True where the closer has an opener; the brackets opened after that one are unclosed. */
function matchCloser(state: Repair, token: IToken): boolean {
  const { file, open, diagnostics } = state;
  const partner = open.findLastIndex((opener) => opener.closer === token.tokenType);
  const innermost = open.at(-1);
  if (partner < 0 && innermost && innermost.closer !== t.RCurly && token.tokenType !== t.RCurly) {
    diagnostics.push(wrongCloser(file, token, innermost));
    open.pop();
    state.tokens.push({ ...missing(innermost.closer, token.startOffset), image: token.image });
    return false;
  }
  if (partner < 0) {
    const message = `\`${token.image}\` closes nothing`;
    diagnostics.push(diagnostic('E0112', tokenSpan(file, token), message, { help: 'remove it, or open it before' }));
    return false;
  }
  closeDownTo(state, partner + 1, token);
  open.pop();
  return true;
}

function wrongCloser(file: SourceFile, token: IToken, opener: Opener): Diagnostic {
  const message = `\`${token.image}\` does not close \`${opener.token.image}\``;
  return diagnostic('E0112', tokenSpan(file, token), message, {
    notes: [{ message: 'opened here', span: tokenSpan(file, opener.token) }],
    help: `write \`${opener.closer.LABEL ?? ''}\``,
  });
}

/** Closes the open brackets from `from` on, in front of `found` or at the end; only the innermost is reported. */
function closeDownTo(state: Repair, from: number, found: IToken | undefined): void {
  const { file, open, tokens, diagnostics } = state;
  const innermost = open.at(-1);
  if (open.length <= from || !innermost) return;
  const previous = tokens.at(-1) ?? innermost.token;
  const end = previous.startOffset + previous.image.length;
  const span = found ? tokenSpan(file, found) : { file, start: end, end };
  const where = found ? `before \`${found.image}\`` : 'before the end of the file';
  const closer = innermost.closer.LABEL ?? '';
  diagnostics.push(
    diagnostic('E0111', span, `expected \`${closer}\` ${where}`, {
      notes: [{ message: `this \`${innermost.token.image}\` is never closed`, span: tokenSpan(file, innermost.token) }],
    }),
  );
  while (open.length > from) {
    const opener = open.pop();
    if (opener) tokens.push(missing(opener.closer, end));
  }
}

/** A token that the text lacks: it has a place and no image. */
function missing(tokenType: TokenType, startOffset: number): IToken {
  const tokenTypeIdx = tokenType.tokenTypeIdx ?? -1;
  return { image: '', startOffset, endOffset: startOffset - 1, tokenType, tokenTypeIdx };
}
