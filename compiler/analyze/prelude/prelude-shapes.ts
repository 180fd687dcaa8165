/** Prelude ops that move values: reshapes, joins, parts and padding. */
import { divideDims, formatDim, productOf } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import { formatType } from '../../ir/type.ts';
import { channelShuffle, concat, pad, reshape, slice, subsample, transpose } from '../../ops/language.ts';
import { expectAxis, expectRank, expectRankAtLeast } from '../../ops/rules/expect.ts';
import {
  argumentOf,
  axisArgument,
  axisOf,
  CallFault,
  dimArgument,
  emit,
  floatArgument,
  intArgument,
  knownSizeArgument,
  listOf,
  pairArgument,
  symbolicSize,
  tensorArgument,
  type OpCall,
  type PreludeOp,
} from './prelude-call.ts';
import { conversionDetail, conversionHelp } from '../values/conversions.ts';
import { describeKind, tensorValue, type Value } from '../values/values.ts';

function runFlatten(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRankAtLeast(x.type, 2, 'flatten', '[N, ...]');
  const [batch = 1, ...rest] = x.type.shape;
  if (rest.length === 1) return tensorValue(x);
  return tensorValue(emit(call, reshape, [x], { shape: [batch, productOf(rest)] }));
}

/** The first positional argument as the tensor, and the others. */
function tensorAndRest(call: OpCall): { readonly x: Node; readonly rest: OpCall['args']['rest'] } {
  const [first, ...rest] = call.args.rest;
  if (first?.value.kind === 'tensor') return { x: first.value.node, rest };
  const span = first?.span ?? call.place.nameSpan;
  const found = first ? `not ${describeKind(first.value)}` : 'and none is given';
  throw new CallFault('E0320', `the first argument of \`${call.op.name}\` must be a tensor, ${found}`, {
    span,
    ...(first ? conversionDetail(first.value, 'tensor') : { help: `write \`x |> ${call.op.name}(...)\`` }),
  });
}

/** `reshape(N, C, H * W)`; one size may be -1 and follows from the others. */
function runReshape(call: OpCall): Value {
  const { x, rest } = tensorAndRest(call);
  const sizes = rest.flatMap(listOf).map((argument) => dimArgument(call, argument, 'a size'));
  const free = sizes.indexOf(-1);
  if (free < 0) return tensorValue(emit(call, reshape, [x], { shape: sizes }));
  const others = productOf(sizes.filter((_, index) => index !== free));
  const size = divideDims(productOf(x.type.shape), others);
  if (size === undefined) {
    const message = `cannot reshape ${formatType(x.type)}: ${formatDim(others)} does not divide its elements`;
    const help = `the other sizes must divide ${formatDim(productOf(x.type.shape))}`;
    throw new CallFault('E0308', message, { help });
  }
  return tensorValue(emit(call, reshape, [x], { shape: sizes.with(free, size) }));
}

function runTranspose(call: OpCall): Value {
  const { x, rest } = tensorAndRest(call);
  const permutation = rest.flatMap(listOf).map((axis) => axisOf(call, axis, 'an axis', x.type.shape.length));
  return tensorValue(emit(call, transpose, [x], { permutation }));
}

function runConcat(call: OpCall): Value {
  const values = call.args.rest.flatMap(listOf).map(({ value, span }) => {
    if (value.kind === 'tensor') return value.node;
    const help = value.kind === 'int' ? `name the axis: \`axis=${value.value}\`` : conversionHelp(value, 'tensor');
    throw new CallFault('E0320', `\`concat\` joins tensors, not ${describeKind(value)}`, {
      span,
      ...(help === undefined ? {} : { help }),
    });
  });
  const rank = values[0]?.type.shape.length ?? 0;
  if (values.length === 0) {
    const help = 'write `concat(a, b)`';
    throw new CallFault('E0323', '`concat` needs tensors', { span: call.place.nameSpan, help });
  }
  return tensorValue(emit(call, concat, values, { axis: axisArgument(call, 'axis', rank, 1) }));
}

/** Sizes of the parts: `parts` equal ones, or the given `sizes`, which must add up. */
function partSizes(call: OpCall, x: Node, axis: number): readonly number[] {
  const [parts, sizes] = [argumentOf(call, 'parts'), argumentOf(call, 'sizes')];
  const whole = x.type.shape[axis] ?? 1;
  if (typeof whole !== 'number') throw symbolicSize('the axis to split', whole);
  if ((parts === undefined) === (sizes === undefined)) {
    const message = '`split` needs either `parts` or `sizes`';
    throw new CallFault('E0323', message, { span: call.place.nameSpan, help: '`split(x, parts=2)`' });
  }
  if (parts) {
    const count = intArgument(call, 'parts', 1);
    if (whole % count === 0) return Array.from({ length: count }, () => whole / count);
    throw new CallFault('E0336', `axis ${axis} of ${formatType(x.type)} cannot be split into ${count} equal parts`, {
      span: parts.span,
      help: `use parts that divide ${whole}, or \`sizes=[...]\``,
    });
  }
  const given = sizes ? listOf(sizes).map((size) => knownSizeArgument(call, size, 'sizes')) : [];
  const sum = given.reduce((total, size) => total + size, 0);
  if (sum === whole && given.every((size) => size > 0)) return given;
  const message = `the sizes [${given.join(', ')}] do not add up to axis ${axis} of ${formatType(x.type)}`;
  throw new CallFault('E0336', message, {
    help: `their sum must be ${whole}`,
    ...(sizes ? { span: sizes.span } : {}),
  });
}

function runSplit(call: OpCall): Value {
  const x = tensorArgument(call);
  const axis = axisArgument(call, 'axis', x.type.shape.length, 1);
  expectAxis(x.type, axis, 'split');
  let from = 0;
  const elements = partSizes(call, x, axis).map((size) => {
    const part = emit(call, slice, [x], { axis, from, to: from + size });
    from += size;
    return tensorValue(part);
  });
  return { kind: 'tuple', elements };
}

function runSlice(call: OpCall): Value {
  const x = tensorArgument(call);
  const axis = axisArgument(call, 'axis', x.type.shape.length, 0);
  const attrs = { axis, from: intArgument(call, 'from', 0), to: intArgument(call, 'to', 0) };
  return tensorValue(emit(call, slice, [x], attrs));
}

/** `pad(all)`, `pad(vertical, horizontal)` or `pad(top, left, bottom, right)`. */
function runPad(call: OpCall): Value {
  const { x, rest } = tensorAndRest(call);
  expectRank(x.type, 4, 'pad', '[N, C, H, W]');
  const sizes = rest.flatMap(listOf).map((argument) => knownSizeArgument(call, argument, 'a size'));
  const [a = 0, b = a, c = a, d = b] = sizes;
  if (sizes.length === 0 || sizes.length === 3 || sizes.length > 4) {
    const message = `\`pad\` takes one, two or four sizes, not ${sizes.length}`;
    throw new CallFault('E0331', message, { help: '`pad(top, left, bottom, right)`' });
  }
  const attrs = { before: [0, 0, a, b], after: [0, 0, c, d], value: floatArgument(call, 'value', 0) };
  return tensorValue(emit(call, pad, [x], attrs));
}

/** Zero channels, half in front and half behind; the odd one behind (He et al. 2015, option A). */
function runPadChannels(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRankAtLeast(x.type, 2, 'pad the channels of', '[N, C, ...]');
  const [, channels = 1] = x.type.shape;
  if (typeof channels !== 'number') throw symbolicSize('the number of channels', channels);
  const missing = intArgument(call, 'to', 1) - channels;
  if (missing < 0) {
    const span = argumentOf(call, 'to')?.span;
    throw new CallFault('E0331', `${formatType(x.type)} already has more channels than ${channels + missing}`, {
      help: '`slice(axis=1, ...)` or a 1x1 convolution takes channels away',
      ...(span ? { span } : {}),
    });
  }
  if (missing === 0) return tensorValue(x);
  const front = Math.floor(missing / 2);
  const atChannels = (count: number): number[] => x.type.shape.map((_, axis) => (axis === 1 ? count : 0));
  return tensorValue(emit(call, pad, [x], { before: atChannels(front), after: atChannels(missing - front), value: 0 }));
}

const x = { name: 'x' };

export const shapeOps: readonly PreludeOp[] = [
  { name: 'flatten', summary: '[N, ...] as [N, K]', parameters: [x], positional: 1, run: runFlatten },
  {
    name: 'reshape',
    summary: 'the same elements under another shape',
    parameters: [],
    variadic: true,
    run: runReshape,
  },
  { name: 'transpose', summary: 'the axes in another order', parameters: [], variadic: true, run: runTranspose },
  {
    name: 'concat',
    summary: 'tensors one after the other along an axis',
    parameters: [{ name: 'axis', default: '1' }],
    variadic: true,
    run: runConcat,
  },
  {
    name: 'split',
    summary: 'a tuple of parts along an axis',
    parameters: [x, { name: 'parts', default: '' }, { name: 'sizes', default: '' }, { name: 'axis', default: '1' }],
    positional: 1,
    run: runSplit,
  },
  {
    name: 'slice',
    summary: 'the part of an axis from `from` up to, not including, `to`',
    parameters: [x, { name: 'axis' }, { name: 'from' }, { name: 'to' }],
    positional: 1,
    run: runSlice,
  },
  {
    name: 'pad',
    summary: 'a border of one value around height and width',
    parameters: [{ name: 'value', default: '0' }],
    variadic: true,
    run: runPad,
  },
  {
    name: 'channel_shuffle',
    summary: 'channels of several groups interleaved',
    parameters: [x, { name: 'groups' }],
    run: (call) =>
      tensorValue(emit(call, channelShuffle, [tensorArgument(call)], { groups: intArgument(call, 'groups', 1) })),
  },
  {
    name: 'subsample',
    summary: 'rows and columns 0, stride, 2 * stride, ...',
    parameters: [x, { name: 'stride' }],
    run: (call) =>
      tensorValue(emit(call, subsample, [tensorArgument(call)], { stride: pairArgument(call, 'stride', 1) })),
  },
  {
    name: 'pad_channels',
    summary: 'zero channels, half in front and half behind',
    parameters: [x, { name: 'to' }],
    run: runPadChannels,
  },
];
