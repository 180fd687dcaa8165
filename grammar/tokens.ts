/** The token types of `.cnn` text and the lexer over them. */
import type { ILexerConfig, TokenType } from 'chevrotain';
import { createToken, Lexer } from './chevrotain.ts';

/** Keywords: never names, except `from`, which is also a key in front of `=`. */
export const keywords = [
  'import', 'from', 'as', 'const', 'fn', 'block', 'model', 'let', 'return', 'assert',
  'if', 'then', 'else', 'for', 'in', 'seq', 'true', 'false', 'none',
] as const; // prettier-ignore

/** Categories: what several tokens have in common for the grammar. */
export const KeyName = category('KeyName');
export const BinaryOperator = category('BinaryOperator');
export const PrefixOperator = category('PrefixOperator');
export const Separator = category('Separator');

export const Identifier = createToken({
  name: 'Identifier',
  pattern: /[A-Za-z_][A-Za-z0-9_]*/,
  categories: [KeyName],
});

/** A number and whatever touches it; `literals.ts` judges digits and unit. */
export const NumberToken = createToken({
  name: 'Number',
  pattern: /0[xX][A-Za-z0-9_]*|[0-9][0-9_]*(?:\.[0-9][0-9_]*)?(?:[eE][+-]?[0-9][0-9_]*)?(?:%|[A-Za-z_][A-Za-z0-9_]*)?/,
});

/** A string up to its closing quote or the end of its line; `literals.ts` judges quotes and escapes. */
export const StringToken = createToken({
  name: 'String',
  pattern: matchString,
  line_breaks: false,
  start_chars_hint: ['"', "'"],
});

export const DocComment = createToken({ name: 'DocComment', pattern: /##(?!#)[^\n\r]*/, group: 'comments' });
export const Comment = createToken({ name: 'Comment', pattern: /#[^\n\r]*/, group: 'comments' });
const Blank = createToken({ name: 'Blank', pattern: /[ \t\r\n\f\v\uFEFF]+/, group: Lexer.SKIPPED, line_breaks: true });

export const Import = keyword('Import', 'import');
export const From = keyword('From', 'from', KeyName);
export const As = keyword('As', 'as');
export const Const = keyword('Const', 'const');
export const Fn = keyword('Fn', 'fn');
export const Block = keyword('Block', 'block');
export const Model = keyword('Model', 'model');
export const Let = keyword('Let', 'let');
export const Return = keyword('Return', 'return');
export const Assert = keyword('Assert', 'assert');
export const If = keyword('If', 'if');
export const Then = keyword('Then', 'then');
export const Else = keyword('Else', 'else');
export const For = keyword('For', 'for');
export const In = keyword('In', 'in');
export const Seq = keyword('Seq', 'seq');
export const True = keyword('True', 'true');
export const False = keyword('False', 'false');
export const None = keyword('None', 'none');

export const Pipe = sign('Pipe', '|>');
export const Or = sign('Or', '||', BinaryOperator);
export const And = sign('And', '&&', BinaryOperator);
export const Equal = sign('Equal', '==', BinaryOperator);
export const NotEqual = sign('NotEqual', '!=', BinaryOperator);
export const LessEqual = sign('LessEqual', '<=', BinaryOperator);
export const GreaterEqual = sign('GreaterEqual', '>=', BinaryOperator);
export const Arrow = sign('Arrow', '->');
export const Less = sign('Less', '<', BinaryOperator);
export const Greater = sign('Greater', '>', BinaryOperator);
export const Range = sign('Range', '..', BinaryOperator);
export const Dot = sign('Dot', '.');
export const Plus = sign('Plus', '+', BinaryOperator);
export const Minus = sign('Minus', '-', BinaryOperator, PrefixOperator);
export const Star = sign('Star', '*', BinaryOperator);
export const FloorDivide = sign('FloorDivide', '//', BinaryOperator);
export const Divide = sign('Divide', '/', BinaryOperator);
export const Percent = sign('Percent', '%', BinaryOperator);
export const Bang = sign('Bang', '!', PrefixOperator);
export const Assign = sign('Assign', '=');
export const At = sign('At', '@');
export const Colon = sign('Colon', ':');
export const Comma = sign('Comma', ',', Separator);
export const Semicolon = sign('Semicolon', ';', Separator);
export const LParen = sign('LParen', '(');
export const RParen = sign('RParen', ')');
export const LSquare = sign('LSquare', '[');
export const RSquare = sign('RSquare', ']');
export const LCurly = sign('LCurly', '{');
export const RCurly = sign('RCurly', '}');

/** Every type in matching order: a longer word or sign before its prefix, keywords before names. */
export const vocabulary: TokenType[] = [
  Blank, DocComment, Comment,
  Import, From, Assert, As, Const, Fn, Block, Model, Let, Return, If, Then, Else, For, In, Seq, True, False, None,
  Identifier, NumberToken, StringToken,
  Pipe, Or, And, Equal, NotEqual, LessEqual, GreaterEqual, Arrow, Less, Greater, Range, Dot,
  Plus, Minus, Star, FloorDivide, Divide, Percent, Bang, Assign, At, Colon, Comma, Semicolon,
  LParen, RParen, LSquare, RSquare, LCurly, RCurly,
  KeyName, BinaryOperator, PrefixOperator, Separator,
]; // prettier-ignore

/** Settings of the lexer; the self-test runs it once more with validation on. */
export const lexerConfig: ILexerConfig = {
  positionTracking: 'onlyOffset',
  ensureOptimizations: true,
  skipValidations: true,
};

export const lexer = new Lexer(vocabulary, lexerConfig);

function category(name: string): TokenType {
  return createToken({ name, pattern: Lexer.NA });
}

function keyword(name: string, word: string, ...categories: TokenType[]): TokenType {
  return createToken({ name, pattern: word, label: word, longer_alt: Identifier, categories });
}

function sign(name: string, text: string, ...categories: TokenType[]): TokenType {
  return createToken({ name, pattern: text, label: text, categories });
}

/** Scans instead of using a regular expression, whose backtracking stack a string of megabytes would exhaust. */
function matchString(text: string, offset: number): [string] | null {
  const quote = text[offset];
  if (quote !== '"' && quote !== "'") return null;
  let end = offset + 1;
  while (end < text.length && text[end] !== '\n' && text[end] !== '\r') {
    if (text[end] === quote) return [text.slice(offset, end + 1)];
    // An escaped character belongs to the string, but never the end of the line.
    if (text[end] === '\\' && end + 1 < text.length && text[end + 1] !== '\n' && text[end + 1] !== '\r') end++;
    end++;
  }
  return [text.slice(offset, end)];
}
