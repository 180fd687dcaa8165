/** The tokens of IR text and the reading of them, with places for messages. */
import type { Op } from './op.ts';

/** A fault in IR text, with its place (line and column from one). */
export class IrSyntaxError extends Error {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(`${line}:${column}: ${message}`);
    this.name = 'IrSyntaxError';
    this.line = line;
    this.column = column;
  }
}

export interface Token {
  readonly kind: 'name' | 'value' | 'number' | 'string' | 'mark' | 'end';
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

const tokenPattern = new RegExp(
  [
    /([ \t\r]+|\/\/[^\n]*)/, // skipped
    /(\n)/,
    /(%\d+)/,
    /(#-?(?:inf|nan))/,
    /(-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)/,
    /("(?:[^"\\\n]|\\.)*")/,
    /([A-Za-z_]\w*)/,
    /([-+*(){}[\]:,=@])/,
  ]
    .map((part) => part.source)
    .join('|'),
  'y',
);

const kinds = ['value', 'number', 'number', 'string', 'name', 'mark'] as const;

export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  let [line, lineStart] = [1, 0];
  tokenPattern.lastIndex = 0;
  for (let at = 0; at < text.length; at = tokenPattern.lastIndex) {
    tokenPattern.lastIndex = at;
    const match = tokenPattern.exec(text);
    const column = at - lineStart + 1;
    if (!match) throw new IrSyntaxError(`unexpected character ${JSON.stringify(text[at])}`, line, column);
    if (match[2] !== undefined) {
      line++;
      lineStart = at + 1;
    }
    const group = match.findIndex((part, index) => index > 2 && part !== undefined);
    const kind = kinds[group - 3];
    if (kind) tokens.push({ kind, text: match[0], line, column });
  }
  return [...tokens, { kind: 'end', text: 'the end of the text', line, column: text.length - lineStart + 1 }];
}

export interface Reader {
  readonly ops: ReadonlyMap<string, Op>;
  readonly tokens: readonly Token[];
  at: number;
  depth: number;
}

export function peek(reader: Reader): Token {
  return reader.tokens[reader.at] ?? { kind: 'end', text: 'the end of the text', line: 1, column: 1 };
}

export function fail(token: Token, message: string): never {
  throw new IrSyntaxError(message, token.line, token.column);
}

export function take(reader: Reader): Token {
  const token = peek(reader);
  reader.at++;
  return token;
}

export const isAt = (reader: Reader, text: string): boolean => {
  const token = peek(reader);
  return token.text === text && (token.kind === 'mark' || token.kind === 'name');
};

export function accept(reader: Reader, text: string): boolean {
  if (!isAt(reader, text)) return false;
  reader.at++;
  return true;
}

export function expect(reader: Reader, text: string): Token {
  if (!isAt(reader, text)) fail(peek(reader), `expected '${text}' before ${peek(reader).text}`);
  return take(reader);
}

export function expectKind(reader: Reader, kind: Token['kind'], what: string): Token {
  if (peek(reader).kind !== kind) fail(peek(reader), `expected ${what} before ${peek(reader).text}`);
  return take(reader);
}

/** `item, item, ...` up to and with the closing mark. */
export function list<T>(reader: Reader, close: string, item: () => T): T[] {
  const items: T[] = [];
  if (accept(reader, close)) return items;
  do items.push(item());
  while (accept(reader, ','));
  expect(reader, close);
  return items;
}
