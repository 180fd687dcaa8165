/** Brackets before the grammar: nesting limited, every bracket given its partner, so that faults stay local. */
import type { IToken, TokenType } from 'chevrotain';
import { diagnostic } from '../diagnostics.ts';
import type { Diagnostic } from '../diagnostics.ts';
import { closerOf, closers, isDeclarationWord, operandEnds } from './bracket-context.ts';
import type { Dropped } from './repair.ts';
import { repair } from './repair.ts';
import { tokenSpan } from '../scan.ts';
import type { SourceFile } from '../source.ts';
import * as t from '../tokens.ts';

/** Brackets nested deeper than this are refused: the parser calls itself, and its stack ends near 500. */
export const MAX_NESTING = 100;
/** Brackets and `if` expressions together. */
const MAX_NESTING_WITH_CHOICES = 2 * MAX_NESTING;
/** Signs in front of one operand, as in `- - x`. */
const MAX_PREFIXES = 100;

export interface BalancedTokens {
  readonly file: SourceFile;
  /** Unmatched closers are gone, missing ones are here with an empty image. */
  readonly tokens: IToken[];
  /** Of an opener its closer's index, otherwise -1. */
  readonly close: Int32Array;
  /** Index of the opener around a token, or -1; a bracket's own parent is the bracket around it. */
  readonly parent: Int32Array;
  readonly diagnostics: readonly Diagnostic[];
  /** The closers that are gone; their diagnostics are among the others. */
  readonly dropped: readonly Dropped[];
  readonly tooDeep: boolean;
}

/** Pairs the brackets of a file; a fault is reported once, at the token that proves it, with a note at the opener. */
export function balance(file: SourceFile, tokens: IToken[]): BalancedTokens {
  const deep = nestingFault(file, tokens);
  if (deep) return { ...link(file, []), diagnostics: [deep], dropped: [], tooDeep: true };
  if (isBalanced(tokens)) return { ...link(file, tokens), diagnostics: [], dropped: [], tooDeep: false };
  const repaired = repair(file, tokens);
  return { ...repaired, ...link(file, repaired.tokens), tooDeep: false };
}

function isBalanced(tokens: readonly IToken[]): boolean {
  const expected: TokenType[] = [];
  for (let index = 0; index < tokens.length; index++) {
    const type = tokens[index]?.tokenType;
    if (!type) continue;
    const closer = closerOf.get(type);
    if (closer) expected.push(closer);
    else if (closers.has(type)) {
      if (expected.pop() !== type) return false;
      // Balanced by luck: two faults that cancel out.
    } else if (expected.length > 0 && isDeclarationWord(tokens, index)) return false;
  }
  return expected.length === 0;
}

/** Writes partners and parents; the tokens carry their index as payload for the parser. */
function link(file: SourceFile, tokens: IToken[]): Pick<BalancedTokens, 'file' | 'tokens' | 'close' | 'parent'> {
  const close = new Int32Array(tokens.length).fill(-1);
  const parent = new Int32Array(tokens.length).fill(-1);
  const open: number[] = [];
  tokens.forEach((token, index) => {
    token.payload = index;
    const opener = closers.has(token.tokenType) ? open.pop() : undefined;
    if (opener !== undefined) close[opener] = index;
    parent[index] = open.at(-1) ?? -1;
    if (closerOf.has(token.tokenType)) open.push(index);
  });
  return { file, tokens, close, parent };
}

/** After these an `if` is not inside the `if` before it. */
const freshStarts: ReadonlySet<TokenType> = new Set([
  t.Comma, t.Semicolon, t.Assign, t.Return, t.Assert, t.In, t.Pipe, t.Let, t.Const,
]); // prettier-ignore

/** The first token that nests too deep: brackets, `if` expressions, signs in a row. */
function nestingFault(file: SourceFile, tokens: readonly IToken[]): Diagnostic | undefined {
  const choices: number[] = [0];
  let pending = 0;
  let prefixes = 0;
  let previous: TokenType | undefined;
  for (const token of tokens) {
    const type = token.tokenType;
    const inner = choices.length - 1;
    const here = choices[inner] ?? 0;
    if (closerOf.has(type)) choices.push(0);
    else if (closers.has(type) && inner > 0) pending -= choices.pop() ?? 0;
    else if (type === t.If || freshStarts.has(type)) {
      const nested = type !== t.If ? 0 : previous && operandEnds.has(previous) ? 1 : here + 1;
      choices[inner] = nested;
      pending += nested - here;
    }
    prefixes = type === t.Minus || type === t.Bang ? prefixes + 1 : 0;
    if (choices.length - 1 > MAX_NESTING || choices.length - 1 + pending > MAX_NESTING_WITH_CHOICES) {
      return tooDeep(
        file,
        token,
        `nesting deeper than ${MAX_NESTING} levels`,
        'name inner parts with `let` or `const`',
      );
    }
    if (prefixes > MAX_PREFIXES) return tooDeep(file, token, `more than ${MAX_PREFIXES} signs in a row`, 'remove them');
    previous = type;
  }
  return undefined;
}

function tooDeep(file: SourceFile, token: IToken, message: string, help: string): Diagnostic {
  return diagnostic('E0107', tokenSpan(file, token), message, { help });
}
