/** Checked values of directives, and how faults in them are reported. */
import type { DiagnosticCode, DiagnosticDetail } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import type { Quantity } from '../../../grammar/units.ts';
import { report, type Scope } from '../names/scope.ts';

/**
 * A checked value. Numbers are in base units: ratios of one, pixels, seconds, bytes, ... `share` marks the share where a
 * whole number would do as well.
 */
export type Setting =
  | { readonly kind: 'number'; readonly value: number; readonly quantity?: Quantity | 'share' }
  | { readonly kind: 'bool'; readonly value: boolean }
  | { readonly kind: 'string'; readonly value: string; readonly span: Span }
  /** A choice, a metric such as `val.accuracy`, or a reference such as `cifar10.train`. */
  | { readonly kind: 'name'; readonly value: string; readonly span: Span }
  | { readonly kind: 'call'; readonly name: string; readonly args: Settings; readonly span: Span }
  | { readonly kind: 'list'; readonly elements: readonly Setting[] }
  | { readonly kind: 'group'; readonly entries: Settings; readonly items: readonly Setting[] }
  /** A weighted sum of losses. */
  | { readonly kind: 'sum'; readonly terms: readonly { readonly weight: number; readonly loss: Setting }[] }
  /** A model with arguments in source text, and its weights. */
  | {
      readonly kind: 'model';
      readonly name: string;
      readonly args: Readonly<Record<string, string>>;
      readonly file?: string;
    };

export type Settings = ReadonlyMap<string, Setting>;

/** What checking needs beside the value. */
export interface Checking {
  readonly scope: Scope;
  /** Names of directives by word. */
  readonly names: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Reports at a value; the result stands for the missing setting. */
export function complain(c: Checking, code: DiagnosticCode, span: Span, message: string, help?: string): undefined {
  const detail: DiagnosticDetail = help === undefined ? {} : { help };
  report(c.scope, code, span, message, detail);
}
