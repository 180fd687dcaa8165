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
