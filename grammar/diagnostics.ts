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
  E0120: { title: 'malformed IR text' },

  // Names.
  E0201: { title: 'unknown name' },
  E0202: { title: 'name declared twice' },
  E0205: { title: 'name shadows another' },
  E0206: { title: 'unknown type' },
  E0207: { title: 'constant depends on itself' },

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

  // Values, calls and signatures.
  E0311: { title: 'inexact division of integers' },
  E0320: { title: 'wrong kind of value' },
  E0321: { title: 'operator not defined for these values' },
  E0322: { title: 'unknown parameter' },
  E0323: { title: 'missing value' },
  E0324: { title: 'too many arguments' },
  E0325: { title: 'argument does not fit the signature' },
  E0326: { title: 'result does not fit the signature' },
  E0327: { title: 'value cannot be called' },
  E0328: { title: 'body without a return' },
  E0329: { title: 'index out of range' },
  E0331: { title: 'impossible padding' },
  E0332: { title: 'wrong number of names' },
  E0333: { title: 'number out of range' },
  E0334: { title: 'model too large' },
  E0336: { title: 'impossible split' },
  E0337: { title: 'unknown or wrong setting of a model' },
  E0340: { title: 'op that no kernel runs' },

  // Parameter names.
  E0411: { title: 'parameter path used twice' },
  E0412: { title: 'call with weights needs a label' },
  E0413: { title: 'label on a spliced stage' },

  // Assertions.
  E0501: { title: 'assertion failed' },

  // Directives.
  E0601: { title: 'unknown directive' },
  E0602: { title: 'unknown key' },
  E0603: { title: 'missing key' },
  E0604: { title: 'wrong value or unit' },
  E0605: { title: 'value out of range' },
  E0606: { title: 'unknown target' },
  E0607: { title: 'unknown or circular reference' },
  E0608: { title: 'key given twice' },
  E0609: { title: 'directive declared twice' },
  E0610: { title: 'directive without its name or target' },
  E0611: { title: 'stages that do not fit each other' },

  // Imports.
  E0701: { title: 'file cannot be read' },
  E0702: { title: 'import outside the project' },
  E0703: { title: 'circular import' },
  E0704: { title: 'imports nested too deep' },
  E0705: { title: 'import of a URL' },
  E0706: { title: 'import of an unknown name' },

  // Budgets.
  E0801: { title: 'budget missed' },

  // Warnings.
  W0001: { title: 'unused import' },
  W0002: { title: 'unused value' },
  W0003: { title: 'unused declaration' },
  W0004: { title: 'unused dataset' },
  W0005: { title: 'unreachable code' },
  W0006: { title: 'constant condition' },
  W0007: { title: 'label named like a value' },
  W0008: { title: 'time beyond the end of the run' },
  W0009: { title: 'setting without effect' },
  W0010: { title: 'pattern that no parameter matches' },
  W0011: { title: 'budget that decides nothing' },
  W0012: { title: 'softmax in front of cross entropy' },
  W0013: { title: 'channels behind height and width' },
  W0014: { title: 'unusually large kernel' },
  W0015: { title: 'mean beyond the range of a picture' },
  W0016: { title: 'linear layer along the width' },
  W0017: { title: 'pictures of one shape alone fit' },
  W0018: { title: 'crop beyond the picture' },
  W0019: { title: 'two classes of one name' },
  W0020: { title: 'regression of classes' },
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
