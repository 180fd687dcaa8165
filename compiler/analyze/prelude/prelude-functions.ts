/** Prelude names that compute on numbers, reduce tensors, or work element by element. */
import { subtractDims } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import type { Op } from '../../ir/op.ts';
import { languageName } from '../../ir/op-names.ts';
import * as ops from '../../ops/language.ts';
import {
  argumentOf,
  axisArgument,
  axisOf,
  boolArgument,
  CallFault,
  emit,
  floatArgument,
  listOf,
  shareArgument,
  symbolicSize,
  tensorArgument,
  type OpCall,
  type PreludeOp,
} from './prelude-call.ts';
import type { CallArgument } from '../calls/arguments.ts';
import { conversionDetail } from '../values/conversions.ts';
import { compare, negate, roundAway, type Outcome } from '../values/operators.ts';
import { operandNode } from '../values/tensor-arithmetic.ts';
import {
  describeKind,
  floatValue,
  formatValue,
  intValue,
  isNumber,
  tensorValue,
  type Value,
} from '../values/values.ts';

const x = { name: 'x' };

type NoAttrs = Readonly<Record<never, never>>;

const elementwise = (name: string, op: Op<NoAttrs>): PreludeOp => ({
  name,
  summary: op.summary,
  parameters: [x],
  run: (call) => tensorValue(emit(call, op, [tensorArgument(call)], {})),
});

const withAlpha = (name: string, op: Op<{ readonly alpha: number }>, alpha: number): PreludeOp => ({
  name,
  summary: op.summary,
  parameters: [x, { name: 'alpha', default: String(alpha) }],
  run: (call) => tensorValue(emit(call, op, [tensorArgument(call)], { alpha: floatArgument(call, 'alpha', alpha) })),
});

type ReduceOp = Op<{ readonly axes: readonly number[]; readonly keepDims: boolean }>;
type Reduce = (
  call: OpCall,
  node: Node,
  attrs: { readonly axes: readonly number[]; readonly keepDims: boolean },
) => Node;

const reduceBy =
  (op: ReduceOp): Reduce =>
  (call, node, attrs) =>
    emit(call, op, [node], attrs);

/** The smallest value is the largest of the negated ones, negated. */
const reduceMin: Reduce = (call, node, attrs) =>
  emit(call, ops.neg, [emit(call, ops.reduceMax, [emit(call, ops.neg, [node], {})], attrs)], {});

function reduce(call: OpCall, node: Node, by: Reduce, axes: CallArgument): Value {
  const rank = node.type.shape.length;
  const list = listOf(axes).map((axis) => axisOf(call, axis, 'axes', rank));
  return tensorValue(by(call, node, { axes: list, keepDims: boolArgument(call, 'keep', false) }));
}

/** By name: in other frameworks the place behind `x` may be an axis, another tensor or a bound. */
const axesAndKeep = [{ name: 'axes' }, { name: 'keep', default: 'false' }];

const reduction = (name: string, op: ReduceOp): PreludeOp => ({
  name,
  summary: op.summary,
  parameters: [x, ...axesAndKeep],
  positional: 1,
  run: (call) => {
    const axes = argumentOf(call, 'axes') ?? { value: intValue(0), span: call.place.span };
    return reduce(call, tensorArgument(call), reduceBy(op), axes);
  },
});

function settled(outcome: Outcome): Value {
  if (outcome.kind !== 'fault') return outcome;
  throw new CallFault(outcome.code, outcome.message, outcome.help === undefined ? {} : { help: outcome.help });
}

function numberArgument(call: OpCall): Extract<Value, { kind: 'int' | 'float' }> {
  const argument = argumentOf(call, 'x');
  if (argument && isNumber(argument.value)) return argument.value;
  const found = argument ? describeKind(argument.value) : 'nothing';
  throw new CallFault(
    'E0320',
    `\`${call.op.name}\` takes a number, not ${found}`,
    argument ? { span: argument.span, ...conversionDetail(argument.value, 'float') } : {},
  );
}

/** An integer from a number; integers and symbolic sizes stay as they are. */
const rounding = (name: string, summary: string, round: (value: number) => number): PreludeOp => ({
  name,
  summary,
  parameters: [x],
  run: (call) => {
    const given = argumentOf(call, 'x')?.value;
    return given?.kind === 'dim' ? given : intValue(round(numberArgument(call).value));
  },
});

/** `max(a, b, ...)` of numbers or sizes, or element by element of tensors and numbers; `max(x, axes=...)` over axes. */
function extreme(name: 'max' | 'min', op: Op<NoAttrs>, by: Reduce): PreludeOp {
  const run = (call: OpCall): Value => {
    const { rest } = call.args;
    const [first, second] = rest;
    const axes = argumentOf(call, 'axes');
    if (!first) {
      throw new CallFault('E0323', `\`${name}\` needs values`, {
        span: call.place.nameSpan,
        help: `write \`${name}(a, b)\``,
      });
    }
    if (axes || argumentOf(call, 'keep')) return reduceFirst(call, name, by, axes);
    if (rest.every(({ value }) => value.kind !== 'tensor')) return extremeNumber(call, name);
    if (first.value.kind === 'tensor' && !second) throw withoutAxes(call, name, first.value.node);
    const operands = rest.map((argument) => extremeOperand(call, name, argument));
    return tensorValue(operands.reduce((a, b) => emit(call, op, [a, b], {})));
  };
  const parameters = axesAndKeep.map((each) => ({ ...each, default: each.default ?? '' }));
  return { name, summary: `the ${name === 'max' ? 'largest' : 'smallest'} of values`, parameters, variadic: true, run };
}

function reduceFirst(call: OpCall, name: string, by: Reduce, axes: CallArgument | undefined): Value {
  const [first, second] = call.args.rest;
  if (first?.value.kind !== 'tensor' || second) {
    throw new CallFault('E0320', `\`${name}\` over axes takes one tensor`, {
      span: second?.span ?? first?.span ?? call.place.span,
      help: 'remove `axes` and `keep` to compare values element by element',
    });
  }
  if (!axes) throw withoutAxes(call, name, first.value.node);
  return reduce(call, first.value.node, by, axes);
}

function withoutAxes(call: OpCall, name: string, { type }: Node): CallFault {
  const axes = type.shape.length === 4 ? '[2, 3]' : String(Math.max(0, type.shape.length - 1));
  return new CallFault('E0323', `\`${name}\` of one tensor needs \`axes\``, {
    span: call.place.nameSpan,
    help: `name them, as in \`axes=${axes}\``,
  });
}

function extremeOperand(call: OpCall, name: string, { value, span }: CallArgument): Node {
  const node = operandNode(value, span, call.scope);
  if (node) return node;
  if (value.kind === 'dim') throw symbolicSize('a bound', value.dim, span);
  const isList = value.kind === 'list' || value.kind === 'tuple';
  throw new CallFault('E0320', `\`${name}\` takes tensors and numbers, not ${describeKind(value)}`, {
    span,
    ...(isList ? { help: `axes are given by name: \`axes=${formatValue(value)}\`` } : conversionDetail(value, 'float')),
  });
}

function extremeNumber(call: OpCall, name: 'max' | 'min'): Value {
  const values = call.args.rest.map(({ value, span }) => {
    if (isNumber(value) || value.kind === 'dim') return value;
    throw new CallFault('E0320', `\`${name}\` takes numbers, not ${describeKind(value)}`, {
      span,
      ...conversionDetail(value, 'float'),
    });
  });
  const isFloat = values.some(({ kind }) => kind === 'float');
  const best = values.reduce((a, b) => {
    const larger = settled(compare('>=', a, b));
    const takesFirst = larger.kind === 'bool' && larger.value === (name === 'max');
    return takesFirst ? a : b;
  });
  return isFloat && best.kind === 'int' ? floatValue(best.value) : best;
}

function runAbs(call: OpCall): Value {
  const given = argumentOf(call, 'x')?.value;
  if (given?.kind === 'tensor') return tensorValue(emit(call, ops.abs, [given.node], {}));
  if (given?.kind === 'dim') {
    const isPositive = settled(compare('>=', given, intValue(0)));
    return isPositive.kind === 'bool' && isPositive.value ? given : settled(negate(given));
  }
  const number = numberArgument(call);
  return { ...number, value: Math.abs(number.value) };
}

function runLen(call: OpCall): Value {
  const value = argumentOf(call, 'x')?.value;
  if (value?.kind === 'list' || value?.kind === 'tuple') return intValue(value.elements.length);
  if (value?.kind === 'range') return intValue(Math.max(0, Number(subtractDims(value.to, value.from))));
  if (value?.kind === 'string') return intValue([...value.value].length);
  const found = value ? describeKind(value) : 'nothing';
  throw new CallFault('E0320', `\`len\` takes a list, tuple, range or string, not ${found}`);
}

/** One bound alone is a maximum or minimum, which keeps infinities on the other side. */
function runClip(call: OpCall): Value {
  const node = tensorArgument(call);
  const [min, max] = [argumentOf(call, 'min'), argumentOf(call, 'max')];
  if (min && max) {
    const bounds = { min: floatArgument(call, 'min'), max: floatArgument(call, 'max') };
    if (bounds.min > bounds.max) {
      throw new CallFault('E0310', `the \`min\` of \`clip\` is larger than its \`max\``, {
        span: min.span,
        help: 'exchange the two',
      });
    }
    return tensorValue(emit(call, ops.clip, [node], bounds));
  }
  const bound = min ?? max;
  if (!bound) {
    throw new CallFault('E0323', '`clip` needs `min`, `max` or both', {
      span: call.place.nameSpan,
      help: 'write `clip(min=0)`, `clip(max=6)` or `clip(min=0, max=6)`',
    });
  }
  const limit = extremeOperand(call, 'clip', { ...bound, value: floatValue(floatArgument(call, min ? 'min' : 'max')) });
  return tensorValue(emit(call, min ? ops.maximum : ops.minimum, [node, limit], {}));
}

const overAxis = (name: string, op: Op<{ readonly axis: number }>): PreludeOp => ({
  name,
  summary: op.summary,
  parameters: [x, { name: 'axis', default: '1' }],
  run: (call) => {
    const node = tensorArgument(call);
    return tensorValue(emit(call, op, [node], { axis: axisArgument(call, 'axis', node.type.shape.length, 1) }));
  },
});

/** Functions of one tensor, element by element and without settings, under their ops' names; `abs` takes numbers too. */
const plainFunctions = Object.values<Op>(ops)
  .filter((op) => op.scalar && op.operands.join() === x.name && op.name !== ops.abs.name)
  .filter(({ samples }) => samples.every(({ attrs }) => Object.keys(attrs).length === 0))
  .map((op) => elementwise(languageName(op.name), op));

export const functions: readonly PreludeOp[] = [
  ...plainFunctions,
  withAlpha('leaky_relu', ops.leakyRelu, 0.01),
  withAlpha('elu', ops.elu, 1),
  {
    name: 'clip',
    summary: ops.clip.summary,
    parameters: [x, { name: 'min', default: 'none' }, { name: 'max', default: 'none' }],
    run: runClip,
  },
  {
    name: 'identity',
    summary: 'the value itself',
    parameters: [x],
    run: (call) => tensorValue(tensorArgument(call)),
  },
  overAxis('softmax', ops.softmax),
  overAxis('log_softmax', ops.logSoftmax),
  {
    name: 'dropout',
    summary: ops.dropout.summary,
    parameters: [x, { name: 'p' }],
    run: (call) => tensorValue(emit(call, ops.dropout, [tensorArgument(call)], { p: shareArgument(call, 'p') })),
  },
  reduction('mean', ops.reduceMean),
  reduction('sum', ops.reduceSum),
  extreme('max', ops.maximum, reduceBy(ops.reduceMax)),
  extreme('min', ops.minimum, reduceMin),
  rounding('floor', 'the largest integer not above', Math.floor),
  rounding('ceil', 'the smallest integer not below', Math.ceil),
  rounding('round', 'the nearest integer, halves away from zero', roundAway),
  { name: 'abs', summary: ops.abs.summary, parameters: [x], run: runAbs },
  { name: 'len', summary: 'the number of elements', parameters: [x], run: runLen },
];
