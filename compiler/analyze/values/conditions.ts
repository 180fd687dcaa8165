/** Steps that every evaluation shares: reporting a fault as a diagnostic, and static conditions. */
import type { Argument, Expression } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { conversionDetail } from './conversions.ts';
import type { CallArgument } from '../calls/arguments.ts';
import type { Outcome } from './operators.ts';
import { assumeMultiple } from '../facts.ts';
import { evaluateIn, report, type Scope } from '../names/scope.ts';
import { describeKind, errorValue, type Value } from './values.ts';

/** Turns a fault into a report at `span`. */
export function settle(outcome: Outcome, span: Span, scope: Scope): Value {
  if (outcome.kind !== 'fault') return outcome;
  if (outcome.wanted) assumeMultiple(outcome.wanted, span, scope);
  report(scope, outcome.code, span, outcome.message, outcome.help === undefined ? {} : { help: outcome.help });
  return errorValue;
}

/** A static condition; undefined after a report. */
export const evaluateCondition = (condition: Expression, scope: Scope): boolean | undefined =>
  asCondition(evaluateIn(scope, condition), condition.span, scope);

/** A value as a condition; undefined after a report. */
export function asCondition(value: Value, span: Span, scope: Scope): boolean | undefined {
  if (value.kind === 'bool') return value.value;
  if (value.kind !== 'error') {
    report(
      scope,
      'E0320',
      span,
      `a condition must be true or false, not ${describeKind(value)}`,
      conversionDetail(value, 'bool'),
    );
  }
  return undefined;
}

export const evaluateArguments = (args: readonly Argument[], scope: Scope): CallArgument[] =>
  args.map(({ name, value }) => ({ ...(name ? { name } : {}), value: evaluateIn(scope, value), span: value.span }));
