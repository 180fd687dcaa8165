/** Prelude ops that make planes larger or bring them to a given size. */
import type { Node } from '../../ir/node.ts';
import { convTranspose2d, pixelShuffle, resize } from '../../ops/language.ts';
import { expectRank } from '../../ops/rules/expect.ts';
import { paddingArgument } from './padding.ts';
import { knownSize, weightAndBias } from './prelude-layers.ts';
import {
  argumentOf,
  CallFault,
  dimArgument,
  emit,
  intArgument,
  pairArgument,
  tensorArgument,
  type OpCall,
  type PreludeOp,
} from './prelude-call.ts';
import { describeKind, tensorValue, type Value } from '../values/values.ts';

function outputsPerGroup(x: Node, out: number, groups: number): { channels: number; perGroup: number } {
  const channels = knownSize(x, 1, 'the number of channels');
  for (const [count, what] of [
    [channels, 'channels of the input'],
    [out, 'output channels'],
  ] as const) {
    if (count % groups === 0) continue;
    throw new CallFault('E0304', `groups=${groups} does not divide the ${count} ${what}`, {
      help: 'the groups must divide the channels of the input and of the output',
    });
  }
  return { channels, perGroup: out / groups };
}

/** Padding as in torch.nn.ConvTranspose2d: that of the convolution whose gradient this is; it makes the result smaller. */
function runConvTranspose(call: OpCall): Value {
  const x = tensorArgument(call);
  expectRank(x.type, 4, 'convolve', '[N, C, H, W]');
  const out = intArgument(call, 'out', 1);
  const groups = intArgument(call, 'groups', 1, 1);
  const kernel = pairArgument(call, 'k', 1);
  const stride = pairArgument(call, 'stride', 1, [1, 1]);
  const dilation = pairArgument(call, 'dilation', 1, [1, 1]);
  const outputPadding = pairArgument(call, 'output_pad', 0, [0, 0]);
  const pad = argumentOf(call, 'pad');
  if (pad?.value.kind === 'mode') {
    const message = `\`pad\` of \`conv_transpose\` must be an int of at least 0 or a pair, not \`${pad.value.name}\``;
    throw new CallFault('E0331', message, {
      span: pad.span,
      help: 'with k=2 * stride, `pad=stride // 2` scales by it',
    });
  }
  const padding = paddingArgument(call, x, { kernel, stride, dilation }, 0);
  const { channels, perGroup } = outputsPerGroup(x, out, groups);
  const path = call.place.slot.path();
  const operands = weightAndBias(call, [channels, perGroup, ...kernel], path, out);
  const attrs = { stride, padding, outputPadding, dilation, groups };
  return tensorValue(emit(call, convTranspose2d, [x, ...operands], attrs, path));
}

function modeArgument(call: OpCall): string {
  const argument = argumentOf(call, 'mode');
  if (!argument) return 'nearest';
  const { value, span } = argument;
  if (value.kind === 'mode' && (value.name === 'nearest' || value.name === 'bilinear')) return value.name;
  const found = value.kind === 'mode' ? `\`${value.name}\`` : describeKind(value);
  const help = value.kind === 'string' ? { help: `write it without quotes: \`${value.value}\`` } : {};
  throw new CallFault('E0320', `\`mode\` of \`resize\` must be \`nearest\` or \`bilinear\`, not ${found}`, {
    span,
    ...help,
  });
}

function runResize(call: OpCall): Value {
  const x = tensorArgument(call);
  const sizeOf = (name: string) => {
    const argument = argumentOf(call, name) ?? { value: { kind: 'int', value: 0 } as const, span: call.place.nameSpan };
    return dimArgument(call, argument, name);
  };
  return tensorValue(emit(call, resize, [x], { size: [sizeOf('h'), sizeOf('w')], mode: modeArgument(call) }));
}

const x = { name: 'x' };

export const upsampling: readonly PreludeOp[] = [
  {
    name: 'conv_transpose',
    summary: 'a transposed convolution of [N, C, H, W]',
    parameters: [
      x,
      { name: 'out' },
      { name: 'k' },
      { name: 'stride', default: '1' },
      { name: 'pad', default: '0' },
      { name: 'output_pad', default: '0' },
      { name: 'groups', default: '1' },
      { name: 'bias', default: 'true' },
      { name: 'dilation', default: '1' },
    ],
    positional: 3,
    run: runConvTranspose,
  },
  {
    name: 'resize',
    summary: 'height and width scaled to given sizes',
    parameters: [x, { name: 'h' }, { name: 'w' }, { name: 'mode', default: 'nearest' }],
    positional: 3,
    run: runResize,
  },
  {
    name: 'pixel_shuffle',
    summary: 'r * r channels become r by r pixels',
    parameters: [x, { name: 'r' }],
    positional: 2,
    run: (call) => tensorValue(emit(call, pixelShuffle, [tensorArgument(call)], { factor: intArgument(call, 'r', 1) })),
  },
];
