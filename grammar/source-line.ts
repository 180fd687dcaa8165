/** One source line as terminal columns: tabs expanded, unprintable characters replaced, long lines cut. */
import type { Span } from './source.ts';

const TAB = 4;
/** Columns kept in front of the first label of a line that is cut. */
const LEAD = 20;
const CUT = '...';

export interface LineCells {
  readonly text: string;
  /** Column of an offset, clamped to the line: what lies beyond its end is at its end. */
  readonly columnOf: (offset: number) => number;
}

/**
 * The line that begins at `start`. A code point takes one column, a tab goes to the next multiple of four.
 * A line longer than `width` columns is cut so that the first of `spans` stays in view.
 */
export function lineCells(text: string, start: number, spans: readonly Span[], width: number): LineCells {
  const end = lineEnd(text, start);
  const cells: string[] = [];
  const columns: number[] = [];
  for (let at = start; at < end;) {
    const character = String.fromCodePoint(text.codePointAt(at) ?? 0);
    for (let unit = 0; unit < character.length; unit++) columns.push(cells.length);
    if (character === '\t') cells.push(...' '.repeat(TAB - (cells.length % TAB)));
    else cells.push(visible(character));
    at += character.length;
  }
  const column = (offset: number): number => (offset >= end ? cells.length : (columns[offset - start] ?? 0));
  return cut(cells, column, Math.min(...spans.map((span) => column(span.start))), Math.max(width, 2 * LEAD));
}

/** Offset of the end of a line, white space at its end left out. */
function lineEnd(text: string, start: number): number {
  const newline = text.indexOf('\n', start);
  let end = newline < 0 ? text.length : newline;
  while (end > start && (text[end - 1] === '\r' || text[end - 1] === ' ' || text[end - 1] === '\t')) end--;
  return end;
}

function cut(cells: readonly string[], column: (offset: number) => number, first: number, width: number): LineCells {
  if (cells.length <= width) return { text: cells.join(''), columnOf: column };
  const from = first + LEAD < width ? 0 : first - LEAD;
  const to = Math.min(from + width - 2 * CUT.length, cells.length);
  const before = from > 0 ? CUT : '';
  const after = to < cells.length ? CUT : '';
  return {
    text: before + cells.slice(from, to).join('') + after,
    columnOf: (offset) => Math.min(Math.max(column(offset), from), to) - from + before.length,
  };
}

/** Text without characters that would move a terminal's cursor, reorder what it shows, or show nothing. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '\ufffd');
}
