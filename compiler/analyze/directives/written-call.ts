/** How a call of a directive is written. */
import type { Argument, Expression } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';

export interface WrittenCall {
  readonly name: string;
  readonly nameSpan: Span;
  readonly args: readonly Argument[];
}

/** `sgd(lr=0.1)` or the bare `sgd`. */
export function writtenCall(expression: Expression): WrittenCall | undefined {
  if (expression.kind === 'name') return { name: expression.name, nameSpan: expression.span, args: [] };
  if (expression.kind !== 'call' || expression.callee.kind !== 'name') return undefined;
  return { name: expression.callee.name, nameSpan: expression.callee.span, args: expression.arguments };
}
