/** Prelude names that compute on numbers, reduce tensors, or work element by element. */
import { subtractDims } from '../ir/dim.ts';
import type { Op } from '../ir/op.ts';
import * as ops from './language-ops.ts';
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
  tensorArgument,
  type OpCall,
  type PreludeOp,
} from './prelude-call.ts';
import type { CallArgument } from './arguments.ts';
import { conversionDetail } from './conversions.ts';
import { compare, negate, roundAway, type Outcome } from './operators.ts';
import { describeKind, floatValue, intValue, isNumber, tensorValue, type Value } from './values.ts';

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

function reduce(call: OpCall, op: ReduceOp, axes: CallArgument, keep: boolean): Value {
  const node = tensorArgument(call);
  const rank = node.type.shape.length;
  const list = listOf(axes).map((axis) => axisOf(call, axis, 'axes', rank));
  return tensorValue(emit(call, op, [node], { axes: list, keepDims: keep }));
}

const reduction = (name: string, op: ReduceOp): PreludeOp => ({
  name,
  summary: op.summary,
  parameters: [x, { name: 'axes' }, { name: 'keep', default: 'false' }],
  run: (call) => {
    const axes = argumentOf(call, 'axes') ?? { value: intValue(0), span: call.place.span };
    return reduce(call, op, axes, boolArgument(call, 'keep', false));
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

/** `max(a, b, ...)` of numbers or sizes; of two tensors; or `max(x, axes, keep=false)` over axes. */
function extreme(name: 'max' | 'min', op: Op<NoAttrs>, reduceOp: ReduceOp | undefined): PreludeOp {
  const run = (call: OpCall): Value => {
    const [first, second, third] = call.args.rest;
    if (!first)
      throw new CallFault('E0323', `\`${name}\` needs values`, {
        span: call.place.nameSpan,
        help: `write \`${name}(a, b)\``,
      });
    if (first.value.kind !== 'tensor' && second?.value.kind !== 'tensor') return extremeNumber(call, name);
    if (first.value.kind === 'tensor' && second?.value.kind === 'tensor') {
      return tensorValue(emit(call, op, [first.value.node, second.value.node], {}));
    }
    const axes = second ?? argumentOf(call, 'axes');
    if (!reduceOp || !axes || first.value.kind !== 'tensor') {
      throw new CallFault('E0320', `\`${name}\` takes numbers or tensors, not both`, {
        span: call.place.span,
        help: 'a tensor is bounded by `clip(x, min, max)`',
      });
    }
    const byName = new Map([...call.args.byName, ['x', first]]);
    const keep = third?.value.kind === 'bool' ? third.value.value : boolArgument(call, 'keep', false);
    return reduce({ ...call, args: { byName, rest: [] } }, reduceOp, axes, keep);
  };
  const parameters = reduceOp
    ? [
        { name: 'axes', default: '' },
        { name: 'keep', default: 'false' },
      ]
    : [];
  return { name, summary: `the ${name === 'max' ? 'largest' : 'smallest'} of values`, parameters, variadic: true, run };
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

const overAxis = (name: string, op: Op<{ readonly axis: number }>): PreludeOp => ({
  name,
  summary: op.summary,
  parameters: [x, { name: 'axis', default: '1' }],
  run: (call) => {
    const node = tensorArgument(call);
    return tensorValue(emit(call, op, [node], { axis: axisArgument(call, 'axis', node.type.shape.length, 1) }));
  },
});

export const functions: readonly PreludeOp[] = [
  elementwise('relu', ops.relu),
  elementwise('relu6', ops.relu6),
  elementwise('hard_sigmoid', ops.hardSigmoid),
  elementwise('hard_swish', ops.hardSwish),
  elementwise('sigmoid', ops.sigmoid),
  elementwise('tanh', ops.tanh),
  elementwise('silu', ops.silu),
  elementwise('gelu', ops.gelu),
  elementwise('softplus', ops.softplus),
  elementwise('exp', ops.exp),
  elementwise('log', ops.log),
  elementwise('sqrt', ops.sqrt),
  elementwise('neg', ops.neg),
  withAlpha('leaky_relu', ops.leakyRelu, 0.01),
  withAlpha('elu', ops.elu, 1),
  {
    name: 'clip',
    summary: ops.clip.summary,
    parameters: [x, { name: 'min' }, { name: 'max' }],
    run: (call) => {
      const attrs = { min: floatArgument(call, 'min'), max: floatArgument(call, 'max') };
      return tensorValue(emit(call, ops.clip, [tensorArgument(call)], attrs));
    },
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
  extreme('max', ops.maximum, ops.reduceMax),
  extreme('min', ops.minimum, undefined),
  rounding('floor', 'the largest integer not above', Math.floor),
  rounding('ceil', 'the smallest integer not below', Math.ceil),
  rounding('round', 'the nearest integer, halves away from zero', roundAway),
  { name: 'abs', summary: ops.abs.summary, parameters: [x], run: runAbs },
  { name: 'len', summary: 'the number of elements', parameters: [x], run: runLen },
];
