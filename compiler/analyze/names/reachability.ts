/** What can never run, seen from the text alone: code behind a `return`, constant conditions, empty ranges. */
import type { BinaryExpression, Body, Expression, ForStage, Statement } from '../../../grammar/ast.ts';
import { diagnostic, type Diagnostic, type Note } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { textOf } from '../values/type-match.ts';

/** W0005 at the first statement that no run of the body reaches. */
export function unreachableStatement({ statements }: Body): Diagnostic[] {
  const last = statements.findIndex(alwaysReturns);
  const [end, next] = [statements[last], statements[last + 1]];
  if (last < 0 || !end || !next) return [];
  const notes: Note[] = [{ message: 'the body always ends here', span: end.span }];
  const help = 'remove it, or put it in front of the `return`';
  return [diagnostic('W0005', next.span, 'this statement is never reached', { notes, help })];
}

function alwaysReturns(statement: Statement): boolean {
  if (statement.kind === 'return') return true;
  if (statement.kind !== 'if') return false;
  const holds = constantCondition(statement.condition);
  const thenReturns = statement.then.statements.some(alwaysReturns);
  const elseReturns = statement.else?.statements.some(alwaysReturns) ?? false;
  return holds === undefined ? thenReturns && elseReturns : holds ? thenReturns : elseReturns;
}

/** The parts of an `if`: statements, stages or expressions. */
interface Choice {
  readonly condition: Expression;
  readonly then: Place;
  readonly else: Place | undefined;
}

/** Something with a place in the text; stages are a list of such. */
type Place = { readonly span: Span } | readonly { readonly span: Span }[];

/** W0006 where the condition of an `if` does not depend on anything. */
export function constantChoice({ condition, then, else: otherwise }: Choice): Diagnostic[] {
  const holds = constantCondition(condition);
  if (holds === undefined) return [];
  const dead = holds ? otherwise : then;
  const span = dead && ('span' in dead ? dead.span : dead[0]?.span);
  const kept = holds ? 'the first branch' : otherwise ? 'the branch behind `else`' : undefined;
  const help = kept === undefined ? 'remove the `if`' : `write ${kept} without the \`if\``;
  const notes = span ? [{ message: 'this is never used', span }] : [];
  return [diagnostic('W0006', condition.span, `this condition is always ${String(holds)}`, { notes, help })];
}

/** W0005 where a loop has no turns. */
export function emptyLoop({ iterable }: ForStage): Diagnostic[] {
  const [from, to] = iterable.kind === 'binary' && iterable.operator === '..' ? endsOf(iterable) : [];
  const isEmpty = from === undefined || to === undefined ? isEmptyList(iterable) : from >= to;
  if (!isEmpty) return [];
  const help =
    from !== undefined && to !== undefined && from > to
      ? `a range runs upwards and leaves its end out: \`${to}..${from}\``
      : 'remove the loop';
  return [diagnostic('W0005', iterable.span, 'this loop has no turns, so its stages never run', { help })];
}

const isEmptyList = (expression: Expression): boolean => expression.kind === 'list' && expression.elements.length === 0;

const endsOf = ({ left, right }: BinaryExpression): (number | undefined)[] => [numberOf(left), numberOf(right)];

const numberOf = (expression: Expression): number | undefined =>
  expression.kind === 'number' && expression.unit === undefined ? expression.value : undefined;

/** The value of a condition that is the same whatever the names in it stand for; undefined for all others. */
function constantCondition(condition: Expression): boolean | undefined {
  if (condition.kind === 'boolean') return condition.value;
  if (condition.kind === 'unary' && condition.operator === '!') {
    const value = constantCondition(condition.operand);
    return value === undefined ? undefined : !value;
  }
  return condition.kind === 'binary' ? constantBinary(condition) : undefined;
}

function constantBinary(condition: BinaryExpression): boolean | undefined {
  const { operator, left, right } = condition;
  if (operator === '&&' || operator === '||') return constantChain(condition);
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) return comparisons[operator]?.(a, b);
  // Expressions have no effects, so that equal text is an equal value.
  return isPlain(left) && textOf(left.span) === textOf(right.span) ? comparisons[operator]?.(0, 0) : undefined;
}

const comparisons: Readonly<Partial<Record<string, (a: number, b: number) => boolean>>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<': (a, b) => a < b,
  '<=': (a, b) => a <= b,
  '>': (a, b) => a > b,
  '>=': (a, b) => a >= b,
};

/** A name, or an element or a member of one. */
const isPlain = ({ kind }: Expression): boolean => kind === 'name' || kind === 'index';

/** A chain of one operator nests to the left without limit, so the walk along it is a loop. */
function constantChain({ operator, left, right }: BinaryExpression): boolean | undefined {
  const decisive = operator === '||';
  const parts = [right];
  let first = left;
  for (; first.kind === 'binary' && first.operator === operator; first = first.left) parts.push(first.right);
  const values = [first, ...parts].map(constantCondition);
  if (values.includes(decisive)) return decisive;
  return values.includes(undefined) ? undefined : !decisive;
}
