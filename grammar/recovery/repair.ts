/** Repairs unbalanced brackets: adds those that are missing and drops closers that close nothing. */
import type { IToken, TokenType } from 'chevrotain';
import {
  beginsContent,
  closerOf,
  closers,
  isAtMargin,
  isDeclarationWord,
  isFirstOnLine,
  lineIsAtMargin,
  nextOuterCloser,
  operandEnds,
  startsDeclaration,
  statementWords,
} from './bracket-context.ts';
import { diagnostic } from '../diagnostics.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { tokenSpan } from '../scan.ts';
import type { SourceFile, Span } from '../source.ts';
import * as t from '../tokens.ts';

/** What stands between braces. */
type Content = 'body' | 'stages' | 'entries';

interface Opener {
  readonly token: IToken;
  readonly closer: TokenType;
  /** Of a brace; undefined for the other brackets. */
  readonly content: Content | undefined;
}

/** A closer that was left out, and the bracket it stood in. */
export interface Dropped {
  readonly diagnostic: Diagnostic;
  readonly opener: IToken | undefined;
}

export interface Repaired {
  readonly tokens: IToken[];
  readonly diagnostics: readonly Diagnostic[];
  readonly dropped: readonly Dropped[];
}

interface Repair {
  readonly file: SourceFile;
  readonly source: readonly IToken[];
  readonly tokens: IToken[];
  readonly open: Opener[];
  /** Of the file and of every open bracket: what the brace will hold that a head such as `if` has announced. */
  readonly due: (Content | undefined)[];
  readonly diagnostics: Diagnostic[];
  readonly dropped: Dropped[];
}

/** Beyond this many faults the text is no `.cnn` file. */
const MAX_FAULTS = 1000;
/** Faults for which the tokens ahead are consulted. */
const MAX_SCANS = 20;

/** A balanced copy of the tokens; a fault is reported once, at the token that proves it, with a note at the opener. */
export function repair(file: SourceFile, source: readonly IToken[]): Repaired {
  const state: Repair = { file, source, tokens: [], open: [], due: [undefined], diagnostics: [], dropped: [] };
  source.forEach((token, index) => {
    const { tokenType } = token;
    closeBefore(state, token, index);
    openBefore(state, token, index);
    const head = announced(state, index);
    if (head) state.due[state.open.length] = head;
    if (tokenType === t.Then) state.due[state.open.length] = undefined;
    const closer = closerOf.get(tokenType);
    if (closer) push(state, token, closer);
    if (!closers.has(tokenType) || matchCloser(state, token, index)) state.tokens.push(token);
  });
  closeDownTo(state, 0, undefined);
  const { tokens, diagnostics, dropped } = state;
  return { tokens, diagnostics: diagnostics.slice(0, MAX_FAULTS), dropped: dropped.slice(0, MAX_FAULTS) };
}

function push(state: Repair, token: IToken, closer: TokenType): void {
  const level = state.open.length;
  const content = closer === t.RCurly ? (state.due[level] ?? 'entries') : undefined;
  if (content) state.due[level] = undefined;
  state.open.push({ token, closer, content });
  state.due[level + 1] = undefined;
}

/** The content of the brace that the word at `index` asks for. */
function announced({ open, source }: Repair, index: number): Content | undefined {
  const before = source[index - 1]?.tokenType;
  const around = open.at(-1)?.content;
  switch (source[index]?.tokenType) {
    case t.Fn:
    case t.Block:
    case t.Model:
      return isDeclarationWord(source, index) ? 'body' : undefined;
    case t.Seq:
      return 'stages';
    case t.For:
      return open.length === 0 ? 'entries' : 'stages';
    case t.If:
      return around === 'stages' || before === t.Pipe || before === t.Colon ? 'stages' : 'body';
    case t.Else:
      // Behind a brace; the `else` of an expression announces nothing.
      return before !== t.RCurly ? undefined : around === 'stages' ? 'stages' : 'body';
    default:
      return undefined;
  }
}

/** Closes what cannot reach across the token at `index`. */
function closeBefore(state: Repair, token: IToken, index: number): void {
  const { file, open, source } = state;
  if (open.length === 0) return;
  const type = token.tokenType;
  if (startsDeclaration(file, source, index)) closeDownTo(state, 0, token);
  else if (statementWords.has(type)) closeDownTo(state, open.findLastIndex(isBody) + 1, token);
  else if (type === t.Arrow) closeDownTo(state, outermostRound(open), token);
  else if (type === t.LCurly && operandEnds.has(source[index - 1]?.tokenType ?? type)) closeForBrace(state, token);
  else if (type === t.Pipe && open.at(-1)?.content === 'stages' && isFirstOnLine(file, source, index)) {
    closeDownTo(state, open.findLastIndex(({ content }) => content !== 'stages') + 1, token);
  }
}

const isBody = ({ content }: Opener): boolean => content === 'body';

/** Index of the first round or square bracket, or beyond all brackets where there is none. */
function outermostRound(open: readonly Opener[]): number {
  const index = open.findIndex(({ content }) => content === undefined);
  return index < 0 ? open.length : index;
}

/** A brace after an operand is announced, so it closes the round and square brackets opened since the announcement. */
function closeForBrace(state: Repair, token: IToken): void {
  const { open, due } = state;
  let level = open.length;
  while (level > 0 && !due[level] && open[level - 1]?.content === undefined) level--;
  if (due[level]) closeDownTo(state, level, token);
}

/** Adds an announced brace that is not there. */
function openBefore(state: Repair, token: IToken, index: number): void {
  const { file, due, open, tokens, source, diagnostics } = state;
  const content = due[open.length];
  const isDue = content === 'body' ? statementWords.has(token.tokenType) : beginsContent(source, index);
  if (!content || !isDue) return;
  diagnostics.push(
    diagnostic('E0110', tokenSpan(file, token), `expected \`{\` before \`${token.image}\``, {
      help: 'open it with `{`',
    }),
  );
  const brace = missing(t.LCurly, endOf(tokens.at(-1)));
  tokens.push(brace);
  push(state, brace, t.RCurly);
}

/** True where the closer has an opener; the brackets opened after that one are unclosed. */
function matchCloser(state: Repair, token: IToken, index: number): boolean {
  const { open } = state;
  closeByIndentation(state, token, index);
  const innermost = open.at(-1);
  if (innermost?.closer === token.tokenType) return !isStrayBrace(state, index) ? popped(open) : drop(state, token);
  const partner = open.findLastIndex((opener) => opener.closer === token.tokenType);
  if (innermost && innermost.content === undefined && token.tokenType !== t.RCurly) {
    const next = state.diagnostics.length < MAX_SCANS ? nextOuterCloser(state.source, index + 1) : undefined;
    if (next === innermost.closer) return drop(state, token);
    if (partner < 0 || next === token.tokenType) return replace(state, token, innermost);
  }
  if (partner < 0) return drop(state, token);
  closeDownTo(state, partner + 1, token);
  return popped(open);
}

/** A brace that begins a line closes the brace whose line has its indentation; those inside are unclosed. */
function closeByIndentation(state: Repair, token: IToken, index: number): void {
  const { file, open, source } = state;
  const innermost = open.at(-1);
  if (token.tokenType !== t.RCurly || innermost?.closer !== t.RCurly || !isFirstOnLine(file, source, index)) return;
  const indentation = indentationOf(file, token);
  if (indentationOf(file, innermost.token) <= indentation) return;
  const partner = open.findLastIndex((each) => each.content && indentationOf(file, each.token) === indentation);
  if (partner >= 0) closeDownTo(state, partner + 1, token);
}

/** Blanks in front of the line on which a token stands. */
function indentationOf({ text }: SourceFile, { startOffset }: IToken): number {
  const start = text.lastIndexOf('\n', startOffset - 1) + 1;
  return /^[ \t]{0,1000}/.exec(text.slice(start, start + 1000))?.[0].length ?? 0;
}

function popped(open: Opener[]): true {
  open.pop();
  return true;
}

/** A brace that ends a whole declaration although the next line is indented: the opener before it is missing. */
function isStrayBrace({ file, open, source }: Repair, index: number): boolean {
  const [outermost] = open;
  const next = source[index + 1];
  if (open.length !== 1 || !outermost || outermost.closer !== t.RCurly || !next) return false;
  if (isDeclarationWord(source, index + 1) || !isFirstOnLine(file, source, index + 1)) return false;
  return lineIsAtMargin(file, outermost.token) && !isAtMargin(file, next);
}

function drop(state: Repair, token: IToken): false {
  const message = `\`${token.image}\` closes nothing`;
  const help = 'remove it, or open it before';
  const fault = diagnostic('E0112', tokenSpan(state.file, token), message, { help });
  state.diagnostics.push(fault);
  state.dropped.push({ diagnostic: fault, opener: state.open.at(-1)?.token });
  return false;
}

/** `[1, 2)`: the right closer takes the place of the wrong one. */
function replace(state: Repair, token: IToken, opener: Opener): false {
  const message = `\`${token.image}\` does not close \`${opener.token.image}\``;
  state.diagnostics.push(
    diagnostic('E0112', tokenSpan(state.file, token), message, {
      notes: [{ message: 'opened here', span: tokenSpan(state.file, opener.token) }],
      help: `write \`${opener.closer.LABEL ?? ''}\``,
    }),
  );
  state.open.pop();
  state.tokens.push({ ...missing(opener.closer, token.startOffset), image: token.image });
  return false;
}

/** Closes the open brackets from `from` on, in front of `found` or at the end; only the innermost is reported. */
function closeDownTo(state: Repair, from: number, found: IToken | undefined): void {
  const { file, open, tokens, diagnostics } = state;
  const innermost = open.at(-1);
  if (open.length <= from || !innermost) return;
  const end = endOf(tokens.at(-1));
  diagnostics.push(unclosed(file, innermost, found ? tokenSpan(file, found) : { file, start: end, end }, end));
  while (open.length > from) {
    const opener = open.pop();
    if (opener) tokens.push(missing(opener.closer, end));
  }
}

/** Reported where it shows; at the opener where its own line should have closed it; else where the closer belongs. */
function unclosed(file: SourceFile, { token, closer }: Opener, found: Span, end: number): Diagnostic {
  const text = file.text.slice(found.start, found.end);
  const where = text === '' ? 'the end of the file' : `\`${text}\``;
  const sign = closer.LABEL ?? '';
  const opener = tokenSpan(file, token);
  const [line = ''] = file.text.slice(opener.end, opener.end + 1000).split(/[\n\r]/, 1);
  const isWithinLine = token.image !== '' && /^[ \t]*[^\s#]/.test(line) && opener.end + line.length < found.start;
  if (isWithinLine) {
    return diagnostic('E0111', opener, `\`${token.image}\` is never closed`, {
      notes: [{ message: `\`${sign}\` is missing before this`, span: found }],
      help: `close it with \`${sign}\``,
    });
  }
  // Behind blank lines the token that proves the fault is far from where the closer belongs.
  const isFar = file.text.slice(end, found.start).split('\n', 3).length > 2;
  return diagnostic('E0111', isFar ? { file, start: end, end } : found, `expected \`${sign}\` before ${where}`, {
    notes: [{ message: `this \`${token.image || '{'}\` is never closed`, span: opener }],
    help: `close it with \`${sign}\``,
  });
}

function endOf(token: IToken | undefined): number {
  return token ? token.startOffset + token.image.length : 0;
}

/** A token that the text lacks: it has a place and no image. */
function missing(tokenType: TokenType, startOffset: number): IToken {
  const tokenTypeIdx = tokenType.tokenTypeIdx ?? -1;
  return { image: '', startOffset, endOffset: startOffset - 1, tokenType, tokenTypeIdx };
}
