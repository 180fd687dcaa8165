/** Diagnostics as text: message, source frame with labelled spans, calls, help. */
import type { CallSite, Diagnostic } from './diagnostics.ts';
import { lineCells, visible } from './source-line.ts';
import type { LineCells } from './source-line.ts';
import type { SourceFile, Span } from './source.ts';
import { formatLocation, lineStarts, positionAt } from './source.ts';

/** How the parts of a message are coloured; each function wraps a text. */
export interface Style {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly note: (text: string) => string;
  readonly help: (text: string) => string;
  readonly gutter: (text: string) => string;
  readonly strong: (text: string) => string;
}

export interface RenderOptions {
  readonly color: boolean;
  /** What a person types in front of `explain E0305`; `cnnc` unless told. */
  readonly program?: string;
  /** Columns of the terminal; longer source lines are cut around their labels. */
  readonly width?: number;
  /** The colours where `color` is true; ANSI escapes by default. */
  readonly style?: Style;
}

const plain = (text: string): string => text;
const plainStyle: Style = { error: plain, warning: plain, note: plain, help: plain, gutter: plain, strong: plain };

const ansi =
  (open: string, close: string) =>
  (text: string): string =>
    `\u001b[${open}m${text}\u001b[${close}m`;

/** ANSI escapes: the sixteen basic colours, so that they follow the terminal's theme. */
export const ansiStyle: Style = {
  error: ansi('31', '39'),
  warning: ansi('33', '39'),
  note: ansi('34', '39'),
  help: ansi('36', '39'),
  gutter: ansi('34', '39'),
  strong: ansi('1', '22'),
};

const DEFAULT_WIDTH = 160;
const MAX_SHOWN = 20;
const MAX_CALLS = 8;

/** A span to be marked in a frame. */
interface Mark {
  readonly span: Span;
  readonly text: string;
  readonly primary: boolean;
}

interface Frame {
  readonly style: Style;
  /** Colour of the severity. */
  readonly accent: (text: string) => string;
  /** Digits of the greatest line number. */
  readonly digits: number;
  readonly width: number;
}

/** At most twenty diagnostics with blank lines between, errors before warnings, then how many are left out. */
export function renderDiagnostics(list: readonly Diagnostic[], options: RenderOptions): string {
  const shown = foremost(list).map((each) => renderDiagnostic(each, options));
  if (list.length > MAX_SHOWN) shown.push(`... and ${list.length - MAX_SHOWN} more`);
  return shown.join('\n\n');
}

/** What is shown of a long list, in its order: warnings never take the place of errors. */
function foremost(list: readonly Diagnostic[]): readonly Diagnostic[] {
  const weight = ({ severity }: Diagnostic): number => (severity === 'error' ? 0 : 1);
  return [...list.entries()]
    .sort(([i, a], [j, b]) => weight(a) - weight(b) || i - j)
    .slice(0, MAX_SHOWN)
    .sort(([i], [j]) => i - j)
    .map(([, each]) => each);
}

/** One diagnostic as lines of text, without a line break at the end. */
export function renderDiagnostic(diagnostic: Diagnostic, options: RenderOptions): string {
  const style = options.color ? (options.style ?? ansiStyle) : plainStyle;
  const accent = diagnostic.severity === 'error' ? style.error : style.warning;
  const marks = marksOf(diagnostic);
  const digits = String(Math.max(...marks.map(({ span }) => lineOf(span)))).length;
  const frame: Frame = { style, accent, digits, width: options.width ?? DEFAULT_WIDTH };
  const head = accent(style.strong(`${diagnostic.severity}[${diagnostic.code}]`));
  const more = `${options.program ?? 'cnnc'} explain ${diagnostic.code}`;
  return [
    `${head}${style.strong(`: ${visible(diagnostic.message)}`)}`,
    ...frames(frame, diagnostic.span, marks),
    ...callLines(diagnostic.calls ?? []).map((line) => remark(frame, line)),
    ...(diagnostic.help === undefined ? [] : [`${style.help('help')}: ${visible(diagnostic.help)}`]),
    remark(frame, `more: ${more}`),
  ].join('\n');
}

function marksOf({ span, label = '', notes }: Diagnostic): readonly Mark[] {
  const second = notes.map((note) => ({ span: note.span, text: note.message, primary: false }));
  return [{ span, text: label, primary: true }, ...second];
}

function lineOf(span: Span): number {
  return positionAt(span.file, span.start).line;
}

/** The frame of the primary span's file, then one for every other file. */
function frames(frame: Frame, primary: Span, marks: readonly Mark[]): string[] {
  const files = [...new Set([primary.file, ...marks.map(({ span }) => span.file)])];
  return files.flatMap((file) => {
    const here = marks.filter(({ span }) => span.file === file);
    const first = here.find((mark) => mark.primary) ?? here[0];
    const arrow = file === primary.file ? '-->' : ':::';
    const place = formatLocation(first?.span ?? primary);
    return [
      `${' '.repeat(frame.digits)}${frame.style.gutter(arrow)} ${visible(place)}`,
      gutter(frame, ''),
      ...lines(frame, file, here),
    ];
  });
}

function lines(frame: Frame, file: SourceFile, marks: readonly Mark[]): string[] {
  const numbers = [...new Set(marks.map(({ span }) => lineOf(span)))].sort((a, b) => a - b);
  return numbers.flatMap((number) => {
    const here = marks.filter(({ span }) => lineOf(span) === number).sort((a, b) => a.span.start - b.span.start);
    const start = lineStarts(file)[number - 1] ?? 0;
    const spans = here.map(({ span }) => span);
    const cells = lineCells(file.text, start, spans, frame.width - frame.digits - 3);
    return [gutter(frame, String(number), cells.text), ...here.map((mark) => markLine(frame, cells, mark))];
  });
}

/** The carets or dashes below a span and the text beside them. */
function markLine(frame: Frame, cells: LineCells, mark: Mark): string {
  const from = cells.columnOf(mark.span.start);
  // A span over several lines is marked to the end of its first; an empty one still shows its place.
  const to = Math.max(cells.columnOf(mark.span.end), from + 1);
  const sign = mark.primary ? '^' : '-';
  const text = mark.text === '' ? '' : ` ${visible(mark.text)}`;
  const colour = mark.primary ? frame.accent : frame.style.note;
  return gutter(frame, '', ' '.repeat(from) + colour(sign.repeat(to - from) + text));
}

function gutter(frame: Frame, number: string, text = ''): string {
  const bar = frame.style.gutter(`${number.padStart(frame.digits)} |`);
  return text === '' ? bar : `${bar} ${text}`;
}

function remark(frame: Frame, text: string): string {
  return `${' '.repeat(frame.digits + 1)}${frame.style.gutter('=')} ${visible(text)}`;
}

function callLines(calls: readonly CallSite[]): string[] {
  const shown = calls.slice(0, MAX_CALLS).map(({ callee, path, span }) => {
    const place = path === '' ? '' : ` as ${path}`;
    return `in ${callee}, called at ${formatLocation(span)}${place}`;
  });
  return calls.length > MAX_CALLS ? [...shown, `... and ${calls.length - MAX_CALLS} calls further out`] : shown;
}
