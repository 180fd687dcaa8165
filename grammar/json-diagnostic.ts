/** Diagnostics as plain data for `--json` and editors. */
import type { Diagnostic, Severity } from './diagnostics.ts';
import type { Span } from './source.ts';
import { positionAt } from './source.ts';

/** Where a span lies; lines and columns count from one, columns in UTF-16 units, the end is exclusive. */
export interface JsonSpan {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export interface JsonNote extends JsonSpan {
  readonly message: string;
}

export interface JsonCall extends JsonSpan {
  readonly callee: string;
  readonly path: string;
}

export interface JsonDiagnostic extends JsonSpan {
  readonly code: string;
  readonly severity: Severity;
  readonly message: string;
  readonly label?: string;
  readonly notes: readonly JsonNote[];
  readonly help?: string;
  readonly calls: readonly JsonCall[];
}

export function toJsonDiagnostic(diagnostic: Diagnostic): JsonDiagnostic {
  const { code, severity, message, span, label, notes, help, calls = [] } = diagnostic;
  return {
    code,
    severity,
    message,
    ...jsonSpan(span),
    ...(label !== undefined && { label }),
    notes: notes.map((note) => ({ message: note.message, ...jsonSpan(note.span) })),
    ...(help !== undefined && { help }),
    calls: calls.map((call) => ({ callee: call.callee, path: call.path, ...jsonSpan(call.span) })),
  };
}

function jsonSpan({ file, start, end }: Span): JsonSpan {
  const first = positionAt(file, start);
  const last = positionAt(file, end);
  return { file: file.path, line: first.line, column: first.column, endLine: last.line, endColumn: last.column };
}
