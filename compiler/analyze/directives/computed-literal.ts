/** Settings that are computed, as `mean=means` with a constant `means`: what they come to, as if it had been written. */
import type { Expression } from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import type { Spec } from './directive-spec.ts';
import { lookUpFile } from '../load.ts';
import { evaluateIn } from '../names/scope.ts';
import type { Checking } from './settings.ts';
import type { Value } from '../values/values.ts';

/** Kinds whose checks look at how a value is written; numbers, strings and truth values are evaluated anyway. */
const syntactic: ReadonlySet<Spec['kind']> = new Set(['list', 'pairs', 'globs', 'choice']);

/**
 * The expression itself where it is written out, else a literal of its value with the same place, so that faults point
 * at the directive; undefined where computing it was reported.
 */
export function computedLiteral(c: Checking, spec: Spec, expression: Expression): Expression | undefined {
  if (!syntactic.has(spec.kind) || !isComputed(c, spec, expression)) return expression;
  const value = evaluateIn(c.scope, expression);
  if (value.kind === 'error') return undefined;
  return literalOf(value, expression.span) ?? expression;
}

function isComputed({ scope }: Checking, spec: Spec, expression: Expression): boolean {
  switch (expression.kind) {
    case 'name': {
      // The bare names of a choice come before constants.
      if (spec.kind === 'choice' && spec.names.includes(expression.name)) return false;
      return lookUpFile(scope.module, expression.name).item?.declaration.kind === 'const';
    }
    case 'call':
      return expression.callee.kind === 'name' && lookUpFile(scope.module, expression.callee.name).known;
    case 'binary':
      // `image-folder` without its quotes is a difference.
      return spec.kind !== 'choice';
    case 'if':
    case 'index':
      return true;
    default:
      return false;
  }
}

/** Undefined for values that nothing written stands for, such as blocks. */
export function literalOf(value: Value, span: Span): Expression | undefined {
  switch (value.kind) {
    case 'int':
    case 'float':
      return { kind: 'number', value: value.value, integer: value.kind === 'int', span };
    case 'quantity':
      return { kind: 'number', value: value.value, unit: value.unit, integer: Number.isInteger(value.value), span };
    case 'string':
      return { kind: 'string', value: value.value, span };
    case 'bool':
      return { kind: 'boolean', value: value.value, span };
    case 'list':
    case 'tuple': {
      const elements = value.elements.map((element) => literalOf(element, span));
      const known = elements.filter((element) => element !== undefined);
      return known.length === elements.length ? { kind: value.kind, elements: known, span } : undefined;
    }
    case 'mode':
      return { kind: 'name', name: value.name, span };
    default:
      return undefined;
  }
}
