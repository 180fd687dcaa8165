/** Diagnostics: the shape of one, and the catalogue of every code that source text can cause. */
import type { Span } from './source.ts';

export type Severity = 'error' | 'warning';

/** A second place that explains a diagnostic. */
export interface Note {
  readonly message: string;
  readonly span: Span;
}

/** One block call on the way from the model to the fault. */
export interface CallSite {
  /** The block and its arguments, as in `basic_block(out=32, stride=2)`. */
  readonly callee: string;
  /** Path of the parameter scope, as in `layer2.0`; empty at the model's own level. */
  readonly path: string;
  readonly span: Span;
}

export interface Diagnostic {
  /** A stable code of the catalogue below: E0101 ... E0999, W0001 ... */
  readonly code: string;
  readonly severity: Severity;
  /** One lower-case sentence without a full stop. */
  readonly message: string;
  readonly span: Span;
  /** Text beside the carets. */
  readonly label?: string;
  readonly notes: readonly Note[];
  readonly help?: string;
  /** Innermost call first. */
  readonly calls?: readonly CallSite[];
}

/** Every code with the title that `cnnc explain` prints; a code keeps its meaning for ever. */
export const catalogue = {
  // Lexing and parsing.
  E0101: { title: 'unexpected character' },
  E0102: { title: 'unterminated string' },
  E0103: { title: 'unknown escape in a string' },
  E0104: { title: 'malformed number' },
  E0105: { title: 'unknown unit' },
  E0106: { title: 'file too large' },
  E0107: { title: 'nesting too deep' },
  E0110: { title: 'unexpected token' },
  E0111: { title: 'unclosed bracket' },
  E0112: { title: 'unmatched closing bracket' },
  E0113: { title: 'missing value' },
  E0114: { title: '`=` in a condition' },
  E0115: { title: 'reserved word used as a name' },
  E0116: { title: 'unknown declaration' },
  E0117: { title: 'parameter without a type' },
  E0118: { title: 'chained comparison' },
  E0119: { title: '`if` expression without `else`' },

  // Shapes and types, found by the ops' own rules.
  E0301: { title: 'wrong rank' },
  E0302: { title: 'wrong element type' },
  E0303: { title: 'channels or features do not fit' },
  E0304: { title: 'groups do not divide the channels' },
  E0305: { title: 'shapes do not broadcast' },
  E0306: { title: 'kernel larger than the padded input' },
  E0307: { title: 'axis out of range' },
  E0308: { title: 'reshape changes the number of elements' },
  E0309: { title: 'size cannot be proved' },
  E0310: { title: 'attribute out of range' },
  E0312: { title: 'shapes of a concatenation differ' },
  E0313: { title: 'slice out of range' },
  E0314: { title: 'wrong number of operands' },
} as const satisfies Record<string, { readonly title: string }>;

export type DiagnosticCode = keyof typeof catalogue;

/** The parts of a diagnostic beyond code, place and message. */
export type DiagnosticDetail = Partial<Pick<Diagnostic, 'label' | 'notes' | 'help' | 'calls'>>;

/** A diagnostic whose severity follows from its code: `W` warns, every other letter is an error. */
export function diagnostic(
  code: DiagnosticCode,
  span: Span,
  message: string,
  detail: DiagnosticDetail = {},
): Diagnostic {
  return { code, severity: code.startsWith('W') ? 'warning' : 'error', message, span, notes: [], ...detail };
}

/** Order of a report: by file, then position; errors of one place keep their order. */
export function byPosition(a: Diagnostic, b: Diagnostic): number {
  if (a.span.file !== b.span.file) return a.span.file.path < b.span.file.path ? -1 : 1;
  return a.span.start - b.span.start;
}
