/** Convolutions, linear layers and pools. Initial values are PyTorch's defaults. */
import type { Node } from '../../ir/node.ts';
import { formatType } from '../../ir/type.ts';
import { expectRank, expectRankAtLeast } from '../../ops/rules/expect.ts';
import {
  adaptiveAveragePool2d,
  averagePool2d,
  conv2d,
  globalAveragePool,
  linear,
  maxPool2d,
} from '../../ops/language.ts';
import { paddingArgument } from './padding.ts';
import {
  argumentOf,
  boolArgument,
  CallFault,
  emit,
  intArgument,
  makeParameter,
  pairArgument,
  symbolicSize,
  tensorArgument,
  type OpCall,
  type PreludeOp,
} from './prelude-call.ts';
import { report } from '../names/scope.ts';
import { tensorValue, type Value } from '../values/values.ts';

/** The size of an axis that a parameter's shape needs. */
export function knownSize(x: Node, axis: number, what: string): number {
  const size = x.type.shape.at(axis) ?? 1;
  if (typeof size === 'number') return size;
  throw symbolicSize(what, size);
}

function channelsPerGroup(channels: number, out: number, groups: number): number {
  for (const [count, what] of [
    [channels, 'channels of the input'],
    [out, 'output channels'],
  ] as const) {
    if (count % groups === 0) continue;
    throw new CallFault('E0304', `groups=${groups} does not divide the ${count} ${what}`, {
      help: 'the groups must divide the channels of the input and of the output',
    });
  }
  return channels / groups;
}

/**
 * kaiming_uniform(a=sqrt(5)) for the weight and U(-1/sqrt(fanIn), 1/sqrt(fanIn)) for the bias; the fan-in counts all
 * axes but the first, for transposed convolutions too (torch.nn.Conv2d, torch.nn.ConvTranspose2d).
 */
export function weightAndBias(call: OpCall, shape: readonly number[], path: string, outputs: number): Node[] {
  const fanIn = shape.slice(1).reduce((product, size) => product * size, 1);
  const weight = makeParameter(call, path, 'weight', shape, { kind: 'kaimingUniform', fanIn });
  if (!boolArgument(call, 'bias', true)) return [weight];
  return [weight, makeParameter(call, path, 'bias', [outputs], { kind: 'uniform', fanIn })];
}

/** The largest kernel of the published networks that are in wide use is AlexNet's of 11. */
const largestUsualKernel = 11;

/** W0014: a kernel larger than any usual one may be a number of channels; one of the whole input is a linear layer. */
function warnLargeKernel(call: OpCall, x: Node, [height, width]: readonly [number, number], out: number): void {
  const [, channels, rows, columns] = x.type.shape;
  if (Math.min(height, width) <= largestUsualKernel || (height === rows && width === columns)) return;
  const argument = argumentOf(call, 'k');
  const isShifted = !argument?.name && out === channels;
  const help = isShifted
    ? `if ${out} are the channels of the input, leave them out: write \`conv(${height}, k=3)\``
    : 'several layers of `k=3` see as far for far fewer multiplications';
  report(
    call.scope,
    'W0014',
    argument?.span ?? call.place.nameSpan,
    `a kernel of ${height} by ${width} pixels is unusual`,
    {
      ...(argument?.name ? {} : { label: 'the second position is the kernel' }),
      help,
    },
  );
}

function runConv(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRank(x.type, 4, 'convolve', '[N, C, H, W]');
  const out = intArgument(call, 'out', 1);
  const groups = intArgument(call, 'groups', 1, 1);
  const kernel = pairArgument(call, 'k', 1);
  warnLargeKernel(call, x, kernel, out);
  const stride = pairArgument(call, 'stride', 1, [1, 1]);
  const dilation = pairArgument(call, 'dilation', 1, [1, 1]);
  const padding = paddingArgument(call, x, { kernel, stride, dilation }, 'same');
  const perGroup = channelsPerGroup(knownSize(x, 1, 'the number of channels'), out, groups);
  const path = call.place.slot.path();
  const operands = weightAndBias(call, [out, perGroup, ...kernel], path, out);
  return tensorValue(emit(call, conv2d, [x, ...operands], { stride, padding, dilation, groups }, path));
}

/** W0016: on [N, C, H, W] each row of pixels would be multiplied. */
function warnUnflattened({ scope, place }: OpCall, { type }: Node): void {
  if (type.shape.length !== 4) return;
  const message = `\`linear\` works along the last axis, which is the width of ${formatType(type)}`;
  report(scope, 'W0016', place.nameSpan, message, { help: 'put `flatten` in front, or `global_avg_pool |> flatten`' });
}

function runLinear(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRankAtLeast(x.type, 2, 'multiply', '[N, ..., K]');
  warnUnflattened(call, x);
  const out = intArgument(call, 'out', 1);
  const shape = [out, knownSize(x, -1, 'the last axis')];
  const path = call.place.slot.path();
  return tensorValue(emit(call, linear, [x, ...weightAndBias(call, shape, path, out)], {}, path));
}

function poolAttributes(call: OpCall, x: Node) {
  expectRank(x.type, 4, 'pool', '[N, C, H, W]');
  const kernel = pairArgument(call, 'k', 1);
  const stride = pairArgument(call, 'stride', 1, kernel);
  const padding = paddingArgument(call, x, { kernel, stride, dilation: [1, 1] }, 0);
  return { kernel, stride, padding, ceilMode: boolArgument(call, 'ceil', false) };
}

function runMaxPool(call: OpCall): Value {
  const x = tensorArgument(call);
  return tensorValue(emit(call, maxPool2d, [x], poolAttributes(call, x)));
}

function runAveragePool(call: OpCall): Value {
  const x = tensorArgument(call);
  const attrs = { ...poolAttributes(call, x), countIncludePad: boolArgument(call, 'count_pad', true) };
  return tensorValue(emit(call, averagePool2d, [x], attrs));
}

const runAdaptivePool = (call: OpCall): Value => {
  const size = [intArgument(call, 'h', 1), intArgument(call, 'w', 1)] as const;
  return tensorValue(emit(call, adaptiveAveragePool2d, [tensorArgument(call)], { size }));
};

const x = { name: 'x' };
const poolParameters = [
  x,
  { name: 'k' },
  { name: 'stride', default: 'k' },
  { name: 'pad', default: '0' },
  { name: 'ceil', default: 'false' },
];

export const layers: readonly PreludeOp[] = [
  {
    name: 'conv',
    summary: 'a convolution of [N, C, H, W]',
    parameters: [
      x,
      { name: 'out' },
      { name: 'k' },
      { name: 'stride', default: '1' },
      { name: 'pad', default: 'same' },
      { name: 'dilation', default: '1' },
      { name: 'groups', default: '1' },
      { name: 'bias', default: 'true' },
    ],
    positional: 3,
    run: runConv,
  },
  {
    name: 'linear',
    summary: 'a matrix product over the last axis',
    parameters: [x, { name: 'out' }, { name: 'bias', default: 'true' }],
    positional: 2,
    run: runLinear,
  },
  {
    name: 'max_pool',
    summary: 'the largest value of each window',
    parameters: poolParameters,
    positional: 2,
    run: runMaxPool,
  },
  {
    name: 'avg_pool',
    summary: 'the mean of each window',
    parameters: [...poolParameters, { name: 'count_pad', default: 'true' }],
    positional: 2,
    run: runAveragePool,
  },
  {
    name: 'global_avg_pool',
    summary: 'the mean over height and width, as [N, C, 1, 1]',
    parameters: [x],
    positional: 1,
    run: (call) => tensorValue(emit(call, globalAveragePool, [tensorArgument(call)], {})),
  },
  {
    name: 'adaptive_avg_pool',
    summary: 'means over windows that give a height and a width',
    parameters: [x, { name: 'h' }, { name: 'w' }],
    positional: 3,
    run: runAdaptivePool,
  },
];
