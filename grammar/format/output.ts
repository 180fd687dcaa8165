/** The lines of the formatted text as they grow, each with the comment that ends it. */
import type { Comment, Token } from './tokens.ts';

interface Line {
  readonly code: string;
  readonly comment: Comment | undefined;
}

export interface Output {
  readonly lines: Line[];
  /** The line at hand; empty where nothing stands on it yet. */
  code: string;
  /** The comment that ends the line at hand: nothing can follow on that line. */
  comment: Comment | undefined;
  /** Columns in front of the items of the construct at hand. */
  indent: number;
  /** True where a comment broke the line inside an item. */
  isContinued: boolean;
}

export const STEP = 2;
/** Comments of neighbouring lines share a column up to this one. */
const SHARED_COLUMN = 80;

export function newOutput(): Output {
  return { lines: [], code: '', comment: undefined, indent: 0, isContinued: false };
}

/** The column in which the next text begins, counted from zero. */
export function columnOf(o: Output): number {
  if (o.comment) return o.indent + STEP;
  return o.code === '' ? margin(o) : o.code.length;
}

function margin(o: Output): number {
  return o.indent + (o.isContinued ? STEP : 0);
}

export function write(o: Output, text: string): void {
  if (o.comment) breakInside(o);
  if (o.code !== '') o.code += text;
  else if (text.trim() !== '') o.code = ' '.repeat(margin(o)) + text;
}

/** A token with its comments, which break the line where they stand. */
export function writeToken(o: Output, { text, before, after }: Token): void {
  if (before.length > 0) {
    breakInside(o);
    for (const comment of before) {
      o.code = ' '.repeat(margin(o)) + comment.text;
      endLine(o);
    }
  }
  write(o, text);
  const [comment] = after;
  if (comment) o.comment = comment;
}

function breakInside(o: Output): void {
  endLine(o);
  o.isContinued = true;
}

function endLine(o: Output): void {
  if (o.code !== '' || o.comment) o.lines.push({ code: o.code.trimEnd(), comment: o.comment });
  o.code = '';
  o.comment = undefined;
}

/** Ends the line; the next one begins at the indentation. */
export function newLine(o: Output): void {
  endLine(o);
  o.isContinued = false;
}

/** One blank line, unless there is one or nothing stands above it. */
export function blankLine(o: Output): void {
  newLine(o);
  if (o.lines.length > 0 && o.lines.at(-1)?.code !== '') o.lines.push({ code: '', comment: undefined });
}

/** Comments on lines of their own; the first keeps a blank line above it where `isFirst` is false. */
export function writeComments(o: Output, comments: readonly Comment[], isFirst: boolean): void {
  comments.forEach((comment, index) => {
    if (comment.blank && !(isFirst && index === 0)) blankLine(o);
    newLine(o);
    write(o, comment.text);
  });
}

/** Comments behind an item: one at the end of its line, others below. */
export function writeAfter(o: Output, comments: readonly Comment[]): void {
  comments.forEach((comment, index) => {
    if (index === 0 && !comment.isOwnLine && !o.comment) o.comment = comment;
    else {
      newLine(o);
      write(o, comment.text);
    }
  });
}

/** The text with its closing line break. A comment stays in its column where the code leaves room. */
export function textOf(o: Output): string {
  endLine(o);
  const { lines } = o;
  const columns = lines.map(({ code, comment }) => (comment ? Math.max(comment.column, code.length + STEP) : 0));
  for (let start = 0; start < lines.length; start++) {
    if (!lines[start]?.comment) continue;
    let end = start;
    while (lines[end]?.comment) end++;
    const shared = Math.max(...columns.slice(start, end));
    if (shared <= SHARED_COLUMN) columns.fill(shared, start, end);
    start = end;
  }
  return lines
    .map(({ code, comment }, index) => `${comment ? code.padEnd(columns[index] ?? 0) + comment.text : code}\n`)
    .join('');
}
