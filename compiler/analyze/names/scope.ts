/** The state of one evaluation: names in sight, how parameters are named, and what the whole build shares. */
import type { ConstDeclaration, Expression } from '../../../grammar/ast.ts';
import {
  catalogue,
  diagnostic,
  type CallSite,
  type Diagnostic,
  type DiagnosticCode,
} from '../../../grammar/diagnostics.ts';
import type { DiagnosticDetail } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import type { ParameterInit } from '../../ir/leaves.ts';
import type { Origin } from '../../ir/node.ts';
import type { DType } from '../../ir/type.ts';
import type { Module } from '../load.ts';
import { rootSlot, statementNaming, type Naming } from './naming.ts';
import type { Binding, Value } from '../values/values.ts';

export const limits = { callDepth: 64, calls: 200_000, turns: 10_000, nodes: 100_000 } as const;

/** A learned or running value of the model. */
export interface ParameterEntry {
  /** The state_dict path. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly dtype: DType;
  /** False for running statistics. */
  readonly trainable: boolean;
  readonly init: ParameterInit;
  /** Whether files may hold one value for all elements; see `loadWeights`. */
  readonly isSpread?: boolean | undefined;
}

/** A symbol of the signature and what an `assert` states about it. */
export interface DivisibilityFact {
  readonly symbol: string;
  readonly multipleOf: number;
  /** The symbol that stands for the quotient, as in `H = 16 * H_16`. */
  readonly quotient: string;
  /** The assert's message as written. */
  readonly message?: string;
}

/** What one build shares; its collections grow while it runs. */
export interface Build {
  /** The evaluator, which calls blocks and stages; it is here so that they can call it back. */
  readonly evaluate: (expression: Expression, scope: Scope) => Value;
  readonly diagnostics: Diagnostic[];
  readonly reported: Set<string>;
  readonly constants: Map<ConstDeclaration, Value | 'busy'>;
  readonly parameters: Map<string, ParameterEntry & { readonly span: Span }>;
  /** Further keys of published weights, as in `bn1.num_batches_tracked`. */
  readonly bufferNames: string[];
  readonly facts: ReadonlyMap<string, DivisibilityFact>;
  readonly count: { calls: number; turns: number; nodes: number };
}

export interface Scope {
  readonly build: Build;
  readonly module: Module;
  readonly names: Map<string, Binding>;
  readonly parent?: Scope;
  readonly naming: Naming;
  /** Calls on the way here, the innermost first. */
  readonly calls: readonly CallSite[];
}

/** Thrown where a limit is exceeded, after the report; ends the build. */
export class BuildAbort extends Error {}

/** Thrown where an `assert` states a fact that the build must start with. */
export class FactNeeded extends Error {
  readonly fact: DivisibilityFact;

  constructor(fact: DivisibilityFact) {
    super(`${fact.symbol} is a multiple of ${fact.multipleOf}`);
    this.fact = fact;
  }
}

export const newBuild = (
  evaluate: Build['evaluate'],
  facts: ReadonlyMap<string, DivisibilityFact> = new Map(),
): Build => ({
  evaluate,
  diagnostics: [],
  reported: new Set(),
  constants: new Map(),
  parameters: new Map(),
  bufferNames: [],
  facts,
  count: { calls: 0, turns: 0, nodes: 0 },
});

export const fileScope = (build: Build, module: Module): Scope => ({
  build,
  module,
  names: new Map(),
  naming: statementNaming(rootSlot, ''),
  calls: [],
});

export const childScope = (scope: Scope): Scope => ({ ...scope, names: new Map(), parent: scope });

export const isCode = (code: string): code is DiagnosticCode => Object.hasOwn(catalogue, code);

/** Adds a diagnostic with the chain of calls; one code is reported once at a place. */
export function report(
  scope: Scope,
  code: DiagnosticCode,
  span: Span,
  message: string,
  detail: DiagnosticDetail = {},
): void {
  const key = `${code} ${span.start} ${span.end} ${span.file.path}`;
  if (scope.build.reported.has(key)) return;
  scope.build.reported.add(key);
  const calls = scope.calls.length > 0 ? { calls: scope.calls } : {};
  const plain = (text: string): string => withoutQuotients(text, scope.build.facts);
  scope.build.diagnostics.push(
    diagnostic(code, span, plain(message), {
      ...calls,
      ...detail,
      ...(detail.label === undefined ? {} : { label: plain(detail.label) }),
      ...(detail.help === undefined ? {} : { help: plain(detail.help) }),
      notes: (detail.notes ?? []).map((note) => ({ ...note, message: plain(note.message) })),
    }),
  );
}

/** Sizes in the names of the source: `8*H_16` becomes `H/2`. */
function withoutQuotients(text: string, facts: ReadonlyMap<string, DivisibilityFact>): string {
  let plain = text;
  for (const { symbol, multipleOf, quotient } of facts.values()) {
    plain = plain.replaceAll(new RegExp(`(?:(\\d+)\\*)?\\b${quotient}\\b`, 'g'), (_, factor: string | undefined) => {
      const coefficient = Number(factor ?? 1);
      const divisor = gcd(coefficient, multipleOf);
      const [above, below] = [coefficient / divisor, multipleOf / divisor];
      return `${above === 1 ? '' : `${above}*`}${symbol}${below === 1 ? '' : `/${below}`}`;
    });
  }
  return plain;
}

export const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Where a node made by the code at `span` comes from: that place, then the calls around it. */
export const originOf = (scope: Scope, span: Span, path: string): Origin => ({
  spans: [span, ...scope.calls.map((call) => call.span)],
  path,
  passes: [],
});

/** A name of the block at hand; file scope and prelude come after it. */
export function lookUpLocal(scope: Scope, name: string): Binding | undefined {
  for (let at: Scope | undefined = scope; at; at = at.parent) {
    const binding = at.names.get(name);
    if (binding) return binding;
  }
  return undefined;
}

/** Every local name in sight, for suggestions. */
export function localNames(scope: Scope): string[] {
  const names: string[] = [];
  for (let at: Scope | undefined = scope; at; at = at.parent) names.push(...at.names.keys());
  return names;
}

export const evaluateIn = (scope: Scope, expression: Expression): Value => scope.build.evaluate(expression, scope);

/** Counts one loop turn. Throws BuildAbort beyond the limit. */
export function countTurn(scope: Scope, span: Span): void {
  if (++scope.build.count.turns <= limits.turns) return;
  report(scope, 'E0334', span, `the model takes more than ${limits.turns} loop turns`);
  throw new BuildAbort();
}

export function countNode(scope: Scope, span: Span): void {
  if (++scope.build.count.nodes <= limits.nodes) return;
  report(scope, 'E0334', span, `the model has more than ${limits.nodes} nodes`);
  throw new BuildAbort();
}

export function countCall(scope: Scope, span: Span): void {
  if (scope.calls.length >= limits.callDepth) {
    report(scope, 'E0334', span, `calls are nested deeper than ${limits.callDepth}`, {
      help: 'a recursive block needs a static condition that ends it',
      calls: scope.calls.slice(0, 3),
    });
    throw new BuildAbort();
  }
  if (++scope.build.count.calls <= limits.calls) return;
  report(scope, 'E0334', span, `the model makes more than ${limits.calls} calls`);
  throw new BuildAbort();
}
