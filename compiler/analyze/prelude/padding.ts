/** Padding of convolutions and pools: a number, a pair, `same` or `same_upper`. */
import { divideDimExactly, type Dim } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import { argumentOf, CallFault, pairOf, symbolicSize, type OpCall } from './prelude-call.ts';
import { describeKind, formatValue, type Value } from '../values/values.ts';

type Pair = readonly [number, number];
export type Pads = readonly [number, number, number, number];

export interface WindowSizes {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly dilation: Pair;
}

/** `k // 2` a side for odd kernels, as PyTorch networks write it; with dilation `d * (k - 1) / 2`. */
function samePads(call: OpCall, { kernel, dilation }: WindowSizes): Pads {
  const side = (axis: 0 | 1): number => {
    const total = dilation[axis] * (kernel[axis] - 1);
    if (kernel[axis] % 2 === 1) return total / 2;
    throw new CallFault('E0331', `\`same\` padding needs an odd kernel, not ${kernel[axis]}`, {
      help: "say which: `pad=0` for none, `pad=same_upper` for TensorFlow's SAME",
      span: argumentOf(call, 'pad')?.span ?? call.place.nameSpan,
    });
  };
  const [vertical, horizontal] = [side(0), side(1)];
  return [vertical, horizontal, vertical, horizontal];
}

/**
 * TensorFlow's SAME: `ceil(size / stride)` windows, and the odd row or column of padding at the bottom and right
 * (tensorflow.org/api_docs/python/tf/nn, "notes on padding").
 */
function sameUpperTotal(size: Dim, extent: number, stride: number): number {
  if (typeof size === 'number') return Math.max((Math.ceil(size / stride) - 1) * stride + extent - size, 0);
  if (divideDimExactly(size, stride) !== undefined) return Math.max(extent - stride, 0);
  throw symbolicSize('the size that `same_upper` pads', size);
}

function sameUpperPads(x: Node, { kernel, stride, dilation }: WindowSizes): Pads {
  const total = (axis: 0 | 1): number =>
    sameUpperTotal(x.type.shape[axis + 2] ?? 1, dilation[axis] * (kernel[axis] - 1) + 1, stride[axis]);
  const [vertical, horizontal] = [total(0), total(1)];
  const [top, left] = [Math.floor(vertical / 2), Math.floor(horizontal / 2)];
  return [top, left, vertical - top, horizontal - left];
}

function helpFor(value: Value): { readonly help?: string } {
  if (value.kind === 'string') return { help: `write it without quotes: \`${value.value}\`` };
  const isBorder = (value.kind === 'tuple' || value.kind === 'list') && value.elements.length === 4;
  return isBorder ? { help: 'put `pad(top, left, bottom, right)` in front for four different borders' } : {};
}

/** `[top, left, bottom, right]` of the argument `pad`. */
export function paddingArgument(call: OpCall, x: Node, windows: WindowSizes, fallback: 'same' | 0): Pads {
  const argument = argumentOf(call, 'pad');
  const value = argument?.value;
  if (!value) return fallback === 'same' ? samePads(call, windows) : [0, 0, 0, 0];
  if (value.kind === 'mode' && value.name === 'same') return samePads(call, windows);
  if (value.kind === 'mode' && value.name === 'same_upper') return sameUpperPads(x, windows);
  const pair = pairOf(value, 0);
  if (pair) return [pair[0], pair[1], pair[0], pair[1]];
  const found = value.kind === 'int' ? formatValue(value) : describeKind(value);
  throw new CallFault(
    'E0331',
    `\`pad\` must be an int of at least 0, a pair, \`same\` or \`same_upper\`, not ${found}`,
    {
      span: argument.span,
      ...helpFor(value),
    },
  );
}
