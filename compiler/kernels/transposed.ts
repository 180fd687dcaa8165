/** What the kernels of transposed convolutions ask of a node: group, sizes, packed weights, border. */
import { isConstant } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import type { ConvTranspose2dAttrs } from '../ops/conv-transpose2d.ts';
import { convTranspose2d } from '../ops/index.ts';
import { readGroup, type Group } from './group.ts';
import { packedAs } from './pack.ts';
import { channelGroups, type Halo, type KernelRequest, type PackedConstant, type Placement } from './kernel.ts';
import type { PackedSource } from './pack.ts';

/** A transposed convolution with constant weights, alone or with a tail. */
export interface Transposed extends Group {
  readonly anchor: Node<ConvTranspose2dAttrs>;
  readonly weight: PackedSource;
  readonly bias: PackedSource | undefined;
  readonly outputs: number;
  /** Input channels of one group. */
  readonly inputs: number;
  /** Vertical, horizontal. */
  readonly kernel: readonly [number, number];
}

export function readTransposed(node: Node): Transposed | undefined {
  const group = readGroup(node, ['convTranspose2d']);
  if (!group || !isOp(group.anchor, convTranspose2d) || group.gate !== undefined) return undefined;
  const [, weight, bias] = group.operands.map((index) => node.inputs[index]);
  if (!weight || !isConstant(weight) || (bias && !isConstant(bias))) return undefined;
  const [channels = 1, perGroup = 1, height = 1, width = 1] = weight.attrs.tensor.shape;
  const { groups } = group.anchor.attrs;
  const sizes = { outputs: perGroup * groups, inputs: channels / groups, kernel: [height, width] } as const;
  return { ...group, anchor: group.anchor, weight, bias, ...sizes };
}

/** The same, of a request that `supports` has admitted, with the data operand's place. */
export function transposedOf(request: KernelRequest): { readonly conv: Transposed; readonly data: Placement } {
  const conv = readTransposed(request.node);
  const data = request.operands[conv?.operands[0] ?? 0];
  if (!conv || !data) throw new TypeError(`${request.node.op.name} is not a transposed convolution of a placed value`);
  return { conv, data };
}

/**
 * Zero pixels that taps reach outside of the input: result cell y takes input cells `(y + padding - tap * dilation) /
 * stride`, of which the first lies `(dilation * (kernel - 1) - padding) / stride` above, and the last as far below.
 */
export function reachOf({ anchor, kernel }: Transposed): Halo {
  const { stride, padding, dilation, outputPadding } = anchor.attrs;
  const reach = (side: 0 | 1, cut: number, extra: number): number =>
    Math.max(0, Math.floor((dilation[side] * (kernel[side] - 1) + extra - cut) / stride[side]));
  return [
    reach(0, padding[0], 0),
    reach(1, padding[1], 0),
    reach(0, padding[2], outputPadding[0]),
    reach(1, padding[3], outputPadding[1]),
  ];
}

/**
 * A weight `[C, O/groups, KH, KW]` as vec4 of four output channels, in the order [O / 4][KH][KW][C/groups], the last
 * padded to a multiple of four: what `packOutputs` makes of a convolution's weight.
 */
export function packTransposed({ weight, outputs, inputs }: Transposed): PackedConstant {
  const [, perGroup = 1, height = 1, width = 1] = weight.attrs.tensor.shape;
  const { data } = weight.attrs.tensor;
  const pack = (): Float32Array => {
    const [depth, taps] = [channelGroups(inputs) * 4, height * width];
    const packed = new Float32Array(channelGroups(outputs) * taps * depth * 4);
    for (let o = 0; o < outputs; o++) {
      const first = Math.floor(o / perGroup) * inputs;
      const block = Math.floor(o / 4) * taps * depth * 4 + (o % 4);
      for (let i = 0; i < inputs; i++) {
        const from = ((first + i) * perGroup + (o % perGroup)) * taps;
        for (let tap = 0; tap < taps; tap++) packed[block + (tap * depth + i) * 4] = data[from + tap] ?? 0;
      }
    }
    return packed;
  };
  return { ...packedAs(weight, 'transposed'), pack };
}
