/** Weights re-packed at build time into the order in which the kernels read them. */
import type { Dim } from '../../ir/dim.ts';
import type { ConstantAttrs } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import type { PackedForm, PackWeightsAttrs } from '../../ops/pack-weights.ts';
import { channelGroups, noHalo, type PackedConstant, type PackedData, type Placement } from '../kernel.ts';

/** Where packed weights come from. */
export type PackedSource = Node<ConstantAttrs>;

/** Names one form of one constant. */
export const packedAs = (node: PackedSource, form: string): Pick<PackedConstant, 'key' | 'name'> => ({
  key: `${node.id}:${form}`,
  name: `${node.attrs.name || 'constant'}:${form}`,
});

/** The sizes of a packed weight: output channels of all groups, input channels of one. */
interface PackedShape {
  readonly outputs: number;
  readonly inputs: number;
  readonly taps: number;
  readonly kernel: readonly [number, number];
}

export function packedShape(shape: readonly Dim[], { form, groups }: PackWeightsAttrs): PackedShape {
  const [outer = 1, inner = 1, height = 1, width = 1] = shape.map(Number);
  const sizes = { taps: height * width, kernel: [height, width] } as const;
  if (form === 'transposed') return { ...sizes, outputs: inner * groups, inputs: outer / groups };
  return { ...sizes, outputs: outer, inputs: inner };
}

/** vec4 that a weight takes in a packed form. */
export function packedLength(shape: readonly Dim[], attrs: PackWeightsAttrs): number {
  const { outputs, inputs, taps } = packedShape(shape, attrs);
  return channelGroups(outputs) * taps * (attrs.form === 'depthwise' ? 1 : channelGroups(inputs) * 4);
}

/**
 * A weight in the order of one of these forms, padded with zeros:
 * - `outputs`: a convolution's `[O, I, KH, KW]` (or a linear's `[O, I]`) as vec4 of four output channels, in the order
 *   [O / 4][KH][KW][I], I padded to a multiple of four. Read as mat4x4f, element i / 4 takes four inputs to four
 *   outputs: `m * x`. Grouped weights keep I = channels of one group.
 * - `transposed`: the same of a transposed convolution's `[I * groups, O / groups, KH, KW]`.
 * - `depthwise`: `[C, 1, KH, KW]` as vec4 in the order [KH][KW][C / 4].
 */
export function packWeight(node: PackedSource, attrs: PackWeightsAttrs): PackedConstant {
  const { shape, data } = node.attrs.tensor;
  const { form, groups } = attrs;
  const { outputs, inputs, taps } = packedShape(shape, attrs);
  const pack = (): Float32Array => {
    const packed = new Float32Array(packedLength(shape, attrs) * 4);
    const depth = channelGroups(inputs) * 4;
    const [perTap, perQuad, perInput] =
      form === 'depthwise' ? [channelGroups(outputs) * 4, 4, 0] : [depth * 4, taps * depth * 4, 4];
    for (let o = 0; o < outputs; o++) {
      const block = Math.floor(o / 4) * perQuad + (o % 4);
      for (let i = 0; i < inputs; i++) {
        const from = sourceIndex(o, i, outputs / groups, inputs, form) * taps;
        for (let tap = 0; tap < taps; tap++) packed[block + tap * perTap + i * perInput] = data[from + tap] ?? 0;
      }
    }
    return packed;
  };
  // What groups are is part of the order only where the weight's axis 0 counts inputs.
  return { ...packedAs(node, form === 'transposed' && groups > 1 ? `${form}${groups}` : form), pack };
}

/** The row-major index of (output, input of its group) on a weight's first two axes. */
function sourceIndex(o: number, i: number, perGroup: number, inputs: number, form: PackedForm): number {
  if (form !== 'transposed') return o * inputs + i;
  return (Math.floor(o / perGroup) * inputs + i) * perGroup + (o % perGroup);
}

/** A bias `[O]`, or zeros where there is none, padded to whole vec4. */
export function packBias(node: PackedSource | undefined, outputs: number): PackedConstant {
  const size = channelGroups(outputs) * 4;
  const pack = (): Float32Array => {
    const packed = new Float32Array(size);
    if (node) packed.set(node.attrs.tensor.data);
    return packed;
  };
  return node ? { ...packedAs(node, 'bias'), pack } : { key: `zeros.${size}`, name: `zeros.${size}`, pack };
}

/** Any constant as a value of the physical layout, its shape aligned to the right of a result of the given rank. */
export function imageConstant(
  node: PackedSource,
  rank: number,
): { readonly packed: PackedConstant; readonly placement: Placement } {
  const { shape, data } = node.attrs.tensor;
  const aligned = [...Array.from({ length: Math.max(0, rank - shape.length) }, () => 1), ...shape];
  const [batch = 1, channels = 1, ...rest] = aligned;
  const width = rest.at(-1) ?? 1;
  const height = rest.slice(0, -1).reduce((product, size) => product * size, 1);
  const groups = channelGroups(channels);
  const placement: Placement = {
    element: node.type.dtype === 'i8' ? 'i8' : 'f32',
    batch,
    channels,
    height,
    width,
    halo: noHalo,
    channelStride: groups,
    channelOffset: 0,
  };
  const isInteger = placement.element === 'i8';
  const pack = (): PackedData => {
    const pixels = height * width;
    const size = batch * pixels * groups * 4;
    const packed = isInteger ? new Int8Array(size) : new Float32Array(size);
    for (let n = 0; n < batch; n++) {
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < pixels; p++) {
          const value = data[(n * channels + c) * pixels + p] ?? 0;
          packed[(n * pixels + p) * groups * 4 + c] = isInteger ? value + 128 : value;
        }
      }
    }
    return packed;
  };
  return { packed: { ...packedAs(node, `image${rank}`), pack }, placement };
}
