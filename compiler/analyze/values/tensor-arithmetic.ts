/** `+ - * /` on tensors, with numpy broadcasting; a number becomes a constant of one element. */
import type { BinaryExpression, Expression } from '../../../grammar/ast.ts';
import type { Note } from '../../../grammar/diagnostics.ts';
import type { Span } from '../../../grammar/source.ts';
import { dimsEqual, formatDim, type Dim } from '../../ir/dim.ts';
import { makeNode, type Node } from '../../ir/node.ts';
import { OpError, type Op } from '../../ir/op.ts';
import { formatType } from '../../ir/type.ts';
import { add, constant, div, mul, neg, sub } from '../../ops/language.ts';
import { countNode, isCode, lookUpLocal, originOf, report, type Scope } from '../names/scope.ts';
import { describeKind, errorValue, isNumber, tensorValue, type TensorValue, type Value } from './values.ts';

const operators: Readonly<Record<string, Op<Record<string, never>> | undefined>> = {
  '+': add,
  '-': sub,
  '*': mul,
  '/': div,
};

export function combineTensors(expression: BinaryExpression, a: Value, b: Value, scope: Scope): Value {
  const { operator, span } = expression;
  const op = operators[operator];
  if (!op) {
    const help = 'tensors are not known while compiling: only `+ - * /` take them';
    report(scope, 'E0321', span, `\`${operator}\` is not defined for ${describeKind(a)} and ${describeKind(b)}`, {
      help,
    });
    return errorValue;
  }
  const x = operandNode(a, expression.left.span, scope);
  const y = operandNode(b, expression.right.span, scope);
  if (!x || !y) {
    report(scope, 'E0321', span, `\`${operator}\` is not defined for ${describeKind(a)} and ${describeKind(b)}`);
    return errorValue;
  }
  countNode(scope, span);
  try {
    return tensorValue(makeNode(op, [x, y], {}, originOf(scope, span, scope.naming.shown)));
  } catch (error) {
    if (!(error instanceof OpError)) throw error;
    reportMismatch(error, expression, x, y, scope);
    return errorValue;
  }
}

export function negateTensor({ node }: TensorValue, span: Span, scope: Scope): Value {
  countNode(scope, span);
  return tensorValue(makeNode(neg, [node], {}, originOf(scope, span, scope.naming.shown)));
}

/** A tensor as it is, a number as a constant that broadcasts; undefined for anything else. */
export function operandNode(value: Value, span: Span, scope: Scope): Node | undefined {
  if (value.kind === 'tensor') return value.node;
  if (!isNumber(value)) return undefined;
  const tensor = { dtype: 'f32', shape: [1], data: new Float32Array([value.value]) } as const;
  return makeNode(constant, [], { tensor, name: '' }, originOf(scope, span, scope.naming.shown));
}

const axisNames = ['batch', 'channels', 'height', 'width'] as const;

interface Difference {
  readonly axis: number;
  readonly sizes: readonly [Dim, Dim];
}

/** The axes that do not broadcast, counted from the left of the longer shape. */
function differingAxes(a: readonly Dim[], b: readonly Dim[]): Difference[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const sizes: readonly [Dim, Dim] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    return { axis, sizes };
  }).filter(({ sizes: [x, y] }) => !dimsEqual(x, y) && x !== 1 && y !== 1);
}

function reportMismatch(error: OpError, expression: BinaryExpression, x: Node, y: Node, scope: Scope): void {
  const code = isCode(error.code) ? error.code : 'E0305';
  const rank = Math.max(x.type.shape.length, y.type.shape.length);
  const differing = differingAxes(x.type.shape, y.type.shape);
  const label = differing
    .map(({ axis, sizes: [a, b] }) => {
      const name = rank === 4 ? ` (${axisNames[axis] ?? ''})` : '';
      return `axis ${axis}${name}: ${formatDim(a)} and ${formatDim(b)}`;
    })
    .join('; ');
  const notes = [noteOf(expression.left, x, scope), noteOf(expression.right, y, scope)].filter(
    (note) => note !== undefined,
  );
  const help = helpFor(expression, differing, rank) ?? error.help;
  report(scope, code, expression.span, error.message, {
    notes,
    ...(label === '' ? {} : { label }),
    ...(help === undefined ? {} : { help }),
  });
}

/** Where a named operand got its shape. */
function noteOf(operand: Expression, { type }: Node, scope: Scope): Note | undefined {
  const binding = operand.kind === 'name' ? lookUpLocal(scope, operand.name) : undefined;
  return binding && { message: formatType(type), span: binding.span };
}

/** The two sizes on one of the axes, where they differ and are known. */
function sizesOn(axes: readonly number[], differing: readonly Difference[]): readonly [number, number] | undefined {
  const [a, b] = differing.find(({ axis }) => axes.includes(axis))?.sizes ?? [];
  return typeof a === 'number' && typeof b === 'number' ? [a, b] : undefined;
}

/** What brings the operand with fewer channels, or more pixels, to the other's shape. */
function helpFor(
  { left, right }: BinaryExpression,
  differing: readonly Difference[],
  rank: number,
): string | undefined {
  const [channels, pixels] = [sizesOn([1], differing), sizesOn([2, 3], differing)];
  const isKnown = differing.every(({ axis, sizes }) => axis > 0 && sizes.every((size) => typeof size === 'number'));
  if (rank !== 4 || !isKnown) return undefined;
  const stride = pixels && Math.max(...pixels) / Math.min(...pixels);
  const changesLeft = [...(channels ? [channels[0] < channels[1]] : []), ...(pixels ? [pixels[0] > pixels[1]] : [])];
  if (new Set(changesLeft).size !== 1 || (stride !== undefined && !Number.isInteger(stride))) return undefined;
  const changed = changesLeft[0] ? left : right;
  const name = changed.kind === 'name' ? changed.name : 'x';
  const steps = [
    ...(stride === undefined ? [] : [`subsample(${stride})`]),
    ...(channels ? [`pad_channels(to=${Math.max(...channels)})`] : []),
  ];
  return `bring \`${name}\` to the other's shape: \`${[name, ...steps].join(' |> ')}\``;
}
