/** The tokens of a file in order, each with the comments and line breaks around it. */
import { tokenize } from '../scan.ts';
import type { SourceFile } from '../source.ts';

export interface Comment {
  readonly text: string;
  /** True where nothing stands in front of it on its line. */
  readonly isOwnLine: boolean;
  /** True where a blank line stands in front of it. */
  readonly blank: boolean;
  /** Counted from zero. */
  readonly column: number;
}

/** A token; whoever lays out the construct that it opens or ends takes its comments away. */
export interface Token {
  readonly text: string;
  readonly start: number;
  /** True where a line break stands between it and the token or comment in front of it. */
  readonly newline: boolean;
  /** True where a blank line stands there. */
  readonly blank: boolean;
  /** Comments on lines of their own in front of it. */
  before: readonly Comment[];
  /** The comment that ends its line. */
  after: readonly Comment[];
}

/** The tokens of a text without syntax errors; the last one is empty and has the comments of the end. */
export function tokensOf(file: SourceFile): readonly Token[] {
  const tokens: Token[] = [];
  let before: Comment[] = [];
  let end = 0;
  const gapTo = (start: number): { newline: boolean; blank: boolean } => {
    const breaks =
      file.text
        .slice(end, start)
        .replaceAll('\r\n', '\n')
        .split(/[\n\r]/).length - 1;
    return { newline: breaks > 0, blank: breaks > 1 };
  };
  const add = (text: string, start: number): void => {
    tokens.push({ text, start, ...gapTo(start), before, after: [] });
    before = [];
  };
  for (const { kind, text, start, end: after } of tokenize(file)) {
    if (kind === 'comment' || kind === 'doc') {
      const { newline, blank } = gapTo(start);
      const last = tokens.at(-1);
      const isOwnLine = newline || !last;
      const column = start - lineStart(file.text, start);
      const comment: Comment = { text: text.trimEnd(), isOwnLine, blank, column };
      if (isOwnLine || !last) before.push(comment);
      else last.after = [comment];
    } else add(text, start);
    end = after;
  }
  add('', file.text.length);
  return tokens;
}

function lineStart(text: string, offset: number): number {
  return Math.max(text.lastIndexOf('\n', offset - 1), text.lastIndexOf('\r', offset - 1)) + 1;
}

/** Reads the tokens one after the other. */
export interface Reader {
  readonly tokens: readonly Token[];
  at: number;
}

export function peek({ tokens, at }: Reader, offset = 0): Token {
  const token = tokens[at + offset];
  if (!token) throw new Error('the syntax tree has more tokens than the text');
  return token;
}

export function next(reader: Reader): Token {
  const token = peek(reader);
  reader.at++;
  return token;
}

/** The next token where it is the one given. */
export function nextIf(reader: Reader, text: string): Token | undefined {
  return peek(reader).text === text ? next(reader) : undefined;
}

/** Takes away the comments in front of the next token. */
export function takeBefore(reader: Reader): readonly Comment[] {
  const token = peek(reader);
  const { before } = token;
  token.before = [];
  return before;
}

/** Takes away the comment behind the token read last. */
export function takeAfter(reader: Reader): readonly Comment[] {
  const token = peek(reader, -1);
  const { after } = token;
  token.after = [];
  return after;
}
