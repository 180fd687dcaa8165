/**
 * Divisibility that an `assert` states about a symbol of the signature, as in `assert H % 16 == 0`: the build starts
 * again with `H = 16 * H_16`, so that every later size is a polynomial.
 */
import type { Expression } from '../../grammar/ast.ts';
import { formatLocation, type Span } from '../../grammar/source.ts';
import type { Dim } from '../ir/dim.ts';
import type { Divisibility } from '../ir/op.ts';
import { evaluateIn, FactNeeded, gcd, type Scope } from './names/scope.ts';
import { dimOf } from './values/values.ts';

/** Throws FactNeeded where the condition (or a part of its conjunction) states what is not yet known. */
export function stateFact(condition: Expression, scope: Scope, message?: string): void {
  const parts: Expression[] = [];
  let first = condition;
  for (; first.kind === 'binary' && first.operator === '&&'; first = first.left) parts.push(first.right);
  for (const part of [first, ...parts.reverse()]) stateFactOf(part, scope, message);
}

function stateFactOf(condition: Expression, scope: Scope, message: string | undefined): void {
  if (condition.kind !== 'binary') return;
  const { operator, left, right } = condition;
  if (operator !== '==' || right.kind !== 'number' || right.value !== 0) return;
  if (left.kind !== 'binary' || left.operator !== '%' || left.left.kind !== 'name') return;
  const size = dimOf(evaluateIn(scope, left.left));
  const divisor = dimOf(evaluateIn(scope, left.right));
  if (size !== undefined && typeof divisor === 'number' && divisor > 0) requireMultiple(size, divisor, scope, message);
}

/**
 * Takes for granted what cannot be proved, `dim` being a multiple of the divisor, and leaves the check to each run: the
 * build starts again with that fact. Does nothing where the dimension has another form than `a * symbol + b`.
 */
export function assumeMultiple({ dim, divisor }: Divisibility, span: Span, scope: Scope): void {
  if (typeof dim === 'number') return;
  const symbolic = dim.terms.filter(({ symbols }) => symbols.length > 0);
  const [name] = symbolic[0]?.symbols ?? [];
  if (symbolic.length !== 1 || name === undefined) return;
  const known = [...scope.build.facts.values()].find(({ quotient }) => quotient === name);
  const symbol = known?.symbol ?? name;
  const place = formatLocation(span);
  const multipleOf = (known?.multipleOf ?? 1) * (divisor / gcd(symbolic[0]?.coefficient ?? 1, divisor));
  const message = `${symbol} must be a multiple of ${multipleOf}, got {${symbol}}, because of ${place}`;
  requireMultiple({ terms: symbolic }, divisor, scope, message);
}

function requireMultiple(size: Dim, divisor: number, scope: Scope, message: string | undefined): void {
  if (typeof size === 'number') return;
  const [term] = size.terms;
  const [name] = term?.symbols ?? [];
  if (!term || name === undefined || size.terms.length > 1 || term.symbols.length > 1) return;
  if (term.coefficient <= 0 || term.coefficient % divisor === 0) return;
  const known = [...scope.build.facts.values()].find(({ quotient }) => quotient === name);
  const symbol = known?.symbol ?? name;
  const multipleOf = (known?.multipleOf ?? 1) * (divisor / gcd(term.coefficient, divisor));
  const stated = message === undefined ? {} : { message };
  throw new FactNeeded({ symbol, multipleOf, quotient: `${symbol}_${multipleOf}`, ...stated });
}
