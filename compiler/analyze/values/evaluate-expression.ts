/** Evaluates expressions: everything but tensor operations is computed here and now. */
import type {
  BinaryExpression,
  CallExpression,
  Expression,
  IndexExpression,
  MemberExpression,
  NumberLiteral,
  PipeExpression,
  Stage,
  UnaryExpression,
} from '../../../grammar/ast.ts';
import type { Span } from '../../../grammar/source.ts';
import { units } from '../../../grammar/units.ts';
import { formatType } from '../../ir/type.ts';
import type { CallPlace } from '../calls/arguments.ts';
import { conversionDetail } from './conversions.ts';
import { asCondition, evaluateArguments, evaluateCondition, settle } from './conditions.ts';
import { invoke } from '../calls/invoke.ts';
import { isKnown, lookUp } from '../names/look-up.ts';
import { claimSlot } from '../names/naming.ts';
import { applyBinary, divideRounded, negate } from './operators.ts';
import { report, type Scope } from '../names/scope.ts';
import { runStage } from '../calls/stages.ts';
import { combineTensors, negateTensor } from './tensor-arithmetic.ts';
import { foreignModuleOf, methodHelp } from '../names/unknown-name.ts';
import {
  boolValue,
  describeKind,
  dimOf,
  errorValue,
  floatValue,
  formatValue,
  intValue,
  noneValue,
  stringValue,
  type Value,
} from './values.ts';

/** The value of an expression; an error value after a report. Throws BuildAbort and FactNeeded only. */
export function evaluate(expression: Expression, scope: Scope): Value {
  switch (expression.kind) {
    case 'number':
      return numberValue(expression);
    case 'string':
      return stringValue(expression.value);
    case 'boolean':
      return boolValue(expression.value);
    case 'none':
      return noneValue;
    case 'name':
      return lookUp(expression.name, expression.span, scope);
    case 'tuple':
    case 'list':
      return evaluateElements(expression.kind, expression.elements, scope);
    case 'if': {
      const holds = evaluateCondition(expression.condition, scope);
      if (holds === undefined) return errorValue;
      return evaluate(holds ? expression.then : expression.else, scope);
    }
    case 'unary':
      return evaluateUnary(expression, scope);
    case 'binary':
      return evaluateBinary(expression, scope);
    case 'call':
      return evaluateCall(expression, scope);
    case 'index':
      return evaluateIndex(expression, scope);
    case 'pipe':
      return evaluatePipe(expression, scope);
    case 'member':
      return evaluateMember(expression, scope);
    case 'record':
      report(scope, 'E0320', expression.span, 'a record has a meaning in directives only', {
        help: 'write a list: `[...]`',
      });
      return errorValue;
    case 'attach':
      report(scope, 'E0320', expression.span, 'weights are attached to a model in directives only', {
        help: 'name the file in a directive: `weights name for Model { file = "..." }`',
      });
      return errorValue;
  }
}

/** A literal; `K`, `M` and `G` scale it, other units stay with it. */
export function numberValue({ value, unit, integer }: NumberLiteral): Value {
  const meaning = unit === undefined ? undefined : units.get(unit);
  if (unit !== undefined && meaning?.quantity !== 'count') return { kind: 'quantity', value, unit };
  const scaled = value * (meaning?.scale ?? 1);
  return integer || (meaning && Number.isSafeInteger(scaled)) ? intValue(scaled) : floatValue(scaled);
}

function evaluateMember(expression: MemberExpression, scope: Scope): Value {
  // Names of other frameworks' modules are reported with all names.
  const module = foreignModuleOf(expression);
  if (module !== undefined && !isKnown(module, scope)) return errorValue;
  const object = evaluate(expression.object, scope);
  if (object.kind === 'error') return errorValue;
  const { name, span } = expression.member;
  const help =
    object.kind === 'tensor'
      ? methodHelp(name, formatType(object.node.type))
      : 'elements are taken by position, as in `sizes[0]`';
  report(scope, 'E0321', span, `values have no member \`${name}\``, { help });
  return errorValue;
}

function evaluateElements(kind: 'list' | 'tuple', elements: readonly Expression[], scope: Scope): Value {
  const values = elements.map((element) => evaluate(element, scope));
  return values.some((value) => value.kind === 'error') ? errorValue : { kind, elements: values };
}

function evaluateUnary({ operator, operand, span }: UnaryExpression, scope: Scope): Value {
  if (operator === '!') {
    const holds = evaluateCondition(operand, scope);
    return holds === undefined ? errorValue : boolValue(!holds);
  }
  const value = evaluate(operand, scope);
  if (value.kind === 'error') return value;
  if (value.kind === 'tensor') return negateTensor(value, span, scope);
  return settle(negate(value), span, scope);
}

/** A chain of operators nests to the left without limit, so the walk along it is a loop. */
function evaluateBinary(expression: BinaryExpression, scope: Scope): Value {
  const chain: BinaryExpression[] = [];
  let first: Expression = expression;
  for (; first.kind === 'binary'; first = first.left) chain.push(first);
  let value = evaluate(first, scope);
  for (const link of chain.reverse()) value = applyOperator(link, value, scope);
  return value;
}

function applyOperator(expression: BinaryExpression, a: Value, scope: Scope): Value {
  const { operator, left, right, span } = expression;
  if (operator === '&&' || operator === '||') {
    const first = asCondition(a, left.span, scope);
    if (first === undefined) return errorValue;
    if (first === (operator === '||')) return boolValue(first);
    const second = evaluateCondition(right, scope);
    return second === undefined ? errorValue : boolValue(second);
  }
  const b = evaluate(right, scope);
  if (a.kind === 'error' || b.kind === 'error') return errorValue;
  if (a.kind === 'tensor' || b.kind === 'tensor') return combineTensors(expression, a, b, scope);
  return settle(applyBinary(operator, a, b), span, scope);
}

/** A pipeline nests to the left without limit, so the walk along it is a loop. */
function evaluatePipe(expression: PipeExpression, scope: Scope): Value {
  const stages: Stage[] = [];
  let first: Expression = expression;
  for (; first.kind === 'pipe'; first = first.input) stages.push(first.stage);
  let value = evaluate(first, scope);
  for (const stage of stages.reverse()) value = runStage(value, stage, scope);
  return value;
}

/** `floor(a / b)`, `ceil(a / b)` and `round(a / b)` on integers divide as fractions; undefined for other calls. */
function roundedDivision(callee: Value, { arguments: args, span }: CallExpression, scope: Scope): Value | undefined {
  const mode = callee.kind === 'op' ? callee.name : '';
  const [argument, ...rest] = args;
  if (mode !== 'floor' && mode !== 'ceil' && mode !== 'round') return undefined;
  const division = argument?.value;
  if (rest.length > 0 || argument?.name || division?.kind !== 'binary' || division.operator !== '/') return undefined;
  const [a, b] = [evaluate(division.left, scope), evaluate(division.right, scope)];
  if (a.kind === 'error' || b.kind === 'error') return errorValue;
  const [x, y] = [dimOf(a), dimOf(b)];
  if (x !== undefined && y !== undefined) return settle(divideRounded(x, y, mode), span, scope);
  const quotient = settle(applyBinary('/', a, b), division.span, scope);
  return invoke(callee, [{ value: quotient, span: division.span }], placeOf(span, span, scope), scope);
}

const placeOf = (span: Span, nameSpan: Span, scope: Scope): CallPlace => ({
  span,
  nameSpan,
  slot: claimSlot(scope.naming.claims, span),
});

function evaluateCall(call: CallExpression, scope: Scope): Value {
  const callee = evaluate(call.callee, scope);
  if (callee.kind === 'error') return callee;
  const rounded = roundedDivision(callee, call, scope);
  if (rounded) return rounded;
  const args = evaluateArguments(call.arguments, scope);
  return invoke(callee, args, placeOf(call.span, call.callee.span, scope), scope);
}

function evaluateIndex({ object, index, span }: IndexExpression, scope: Scope): Value {
  const list = evaluate(object, scope);
  const position = evaluate(index, scope);
  if (list.kind === 'error' || position.kind === 'error') return errorValue;
  if (list.kind !== 'list' && list.kind !== 'tuple') {
    const help = list.kind === 'tensor' ? { help: '`slice(x, axis=1, from=0, to=1)` takes a part of a tensor' } : {};
    report(scope, 'E0321', object.span, `only lists and tuples have elements, not ${describeKind(list)}`, help);
    return errorValue;
  }
  if (position.kind !== 'int') {
    report(
      scope,
      'E0320',
      index.span,
      `an index must be an int, not ${describeKind(position)}`,
      conversionDetail(position, 'int'),
    );
    return errorValue;
  }
  const element = list.elements[position.value];
  if (element) return element;
  const count = list.elements.length;
  const help = count > 0 ? { help: `indices run from 0 to ${count - 1}` } : {};
  report(scope, 'E0329', span, `index ${formatValue(position)} lies outside a ${list.kind} of ${count}`, help);
  return errorValue;
}
