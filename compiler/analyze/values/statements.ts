/** Runs the statements of a body up to its `return`; `if` is static. */
import type {
  AssertStatement,
  Body,
  Identifier,
  LetStatement,
  ReturnStatement,
  Statement,
  StringLiteral,
} from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { evaluateCondition } from './conditions.ts';
import { stateFact } from '../facts.ts';
import { checkClaims, checkDestructured } from '../names/labels.ts';
import { lookUp } from '../names/look-up.ts';
import { statementNaming, type Slot } from '../names/naming.ts';
import { childScope, evaluateIn, report, type Scope } from '../names/scope.ts';
import { describeKind, elementsOf, errorValue, formatValue, type Value } from './values.ts';

export interface Returned {
  readonly value: Value;
  readonly statement: ReturnStatement;
}

/** What the body returns; undefined where it ends without a `return`, `'error'` where that cannot be known. */
export function runBody(body: Body, scope: Scope, slot: Slot): Returned | 'error' | undefined {
  for (const statement of body.statements) {
    const returned = runStatement(statement, scope, slot);
    if (returned) return returned;
  }
  return undefined;
}

function runStatement(statement: Statement, scope: Scope, slot: Slot): Returned | 'error' | undefined {
  switch (statement.kind) {
    case 'let':
      runLet(statement, scope, slot);
      return undefined;
    case 'const': {
      const value = evaluateIn({ ...scope, naming: statementNaming(slot, '') }, statement.value);
      if (value.kind === 'tensor') {
        report(scope, 'E0320', statement.value.span, 'a `const` holds what is known while compiling, not a tensor', {
          help: 'use `let`',
        });
      }
      bind(statement.name, value.kind === 'tensor' ? errorValue : value, scope);
      return undefined;
    }
    case 'assert':
      runAssert(statement, scope);
      return undefined;
    case 'if': {
      const holds = evaluateCondition(statement.condition, scope);
      if (holds === undefined) return 'error';
      const chosen = holds ? statement.then : statement.else;
      return chosen && runBody(chosen, childScope(scope), slot);
    }
    case 'return': {
      const naming = statementNaming(slot, '');
      const value = evaluateIn({ ...scope, naming }, statement.value);
      checkClaims(naming.claims, scope);
      return { value, statement };
    }
  }
}

function runLet(statement: LetStatement, scope: Scope, slot: Slot): void {
  const [only] = statement.names;
  const naming = statementNaming(slot, statement.destructured ? '' : (only?.name ?? ''));
  const value = evaluateIn({ ...scope, naming }, statement.value);
  if (statement.destructured) checkDestructured(naming.claims, scope);
  else checkClaims(naming.claims, scope);
  bindPattern(statement.names, statement.destructured, value, statement.value.span, scope);
}

const bind = (name: Identifier, value: Value, scope: Scope): void => {
  if (!scope.names.has(name.name)) scope.names.set(name.name, { value, span: name.span });
};

/** Binds one name to a value, or several to its elements; reports E0332 where the counts differ. */
export function bindPattern(
  names: readonly Identifier[],
  destructured: boolean,
  value: Value,
  span: Span,
  scope: Scope,
): void {
  if (!destructured) {
    for (const name of names) bind(name, value, scope);
    return;
  }
  const elements = value.kind === 'range' ? undefined : elementsOf(value, names.length);
  if (value.kind !== 'error' && elements?.length !== names.length) {
    const parts = { help: `\`split(x, parts=${names.length})\` takes a tensor apart` };
    const counted = { help: `write ${elements?.length ?? 0} names; \`_\` takes a value that is not needed` };
    const help = elements ? counted : value.kind === 'tensor' ? parts : {};
    const found = elements ? `a ${value.kind} of ${elements.length}` : describeKind(value);
    report(scope, 'E0332', span, `cannot take ${names.length} names apart from ${found}`, help);
  }
  const fits = elements?.length === names.length;
  names.forEach((name, index) => bind(name, (fits ? elements[index] : undefined) ?? errorValue, scope));
}

function runAssert({ condition, message, span }: AssertStatement, scope: Scope): void {
  stateFact(condition, scope, message?.value);
  const holds = evaluateCondition(condition, scope);
  if (holds !== false) return;
  const text = message ? fillMessage(message, scope) : 'the assertion does not hold';
  report(scope, 'E0501', span, text, { label: 'this assertion does not hold' });
}

/** Puts values in place of `{name}`. */
const fillMessage = ({ value: text, span }: StringLiteral, scope: Scope): string =>
  text.replaceAll(/\{([A-Za-z_]\w*)\}/g, (whole, name: string) => {
    const value = lookUp(name, span, scope);
    if (value.kind === 'error') return whole;
    return value.kind === 'string' ? value.value : formatValue(value);
  });
