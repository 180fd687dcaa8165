/** Weights re-packed at build time into the order in which the kernels read them. */
import type { ConstantAttrs } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import { channelGroups, noHalo, type PackedConstant, type Placement } from './kernel.ts';

/** Where packed weights come from. */
export type PackedSource = Node<ConstantAttrs>;

/** Names one form of one constant. */
export const packedAs = (node: PackedSource, form: string): Pick<PackedConstant, 'key' | 'name'> => ({
  key: `${node.id}:${form}`,
  name: `${node.attrs.name || 'constant'}:${form}`,
});

/**
 * A convolution's weight `[O, I, KH, KW]` (or a linear's `[O, I]`) as vec4 of four output channels, in the order
 * [O / 4][KH][KW][I], I padded to a multiple of four. Read as mat4x4f, element i / 4 takes four inputs to four
 * outputs: `m * x`. Grouped weights keep I = channels of one group.
 */
export function packOutputs(node: PackedSource): PackedConstant {
  const { shape, data } = node.attrs.tensor;
  const [outputs = 1, inputs = 1, height = 1, width = 1] = shape;
  const pack = (): Float32Array => {
    const [depth, taps] = [channelGroups(inputs) * 4, height * width];
    const packed = new Float32Array(channelGroups(outputs) * taps * depth * 4);
    for (let o = 0; o < outputs; o++) {
      const block = Math.floor(o / 4) * taps * depth * 4 + (o % 4);
      for (let i = 0; i < inputs; i++) {
        const from = (o * inputs + i) * taps;
        for (let tap = 0; tap < taps; tap++) packed[block + (tap * depth + i) * 4] = data[from + tap] ?? 0;
      }
    }
    return packed;
  };
  return { ...packedAs(node, 'outputs'), pack };
}

/** A depthwise weight `[C, 1, KH, KW]` as vec4 in the order [KH][KW][C / 4]. */
export function packDepthwise(node: PackedSource): PackedConstant {
  const { shape, data } = node.attrs.tensor;
  const [channels = 1, , height = 1, width = 1] = shape;
  const pack = (): Float32Array => {
    const stride = channelGroups(channels) * 4;
    const taps = height * width;
    const packed = new Float32Array(taps * stride);
    for (let c = 0; c < channels; c++) {
      for (let tap = 0; tap < taps; tap++) packed[tap * stride + c] = data[c * taps + tap] ?? 0;
    }
    return packed;
  };
  return { ...packedAs(node, 'depthwise'), pack };
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
    batch,
    channels,
    height,
    width,
    halo: noHalo,
    channelStride: groups,
    channelOffset: 0,
  };
  const pack = (): Float32Array => {
    const pixels = height * width;
    const packed = new Float32Array(batch * pixels * groups * 4);
    for (let n = 0; n < batch; n++) {
      for (let c = 0; c < channels; c++) {
        for (let p = 0; p < pixels; p++) {
          packed[(n * pixels + p) * groups * 4 + c] = data[(n * channels + c) * pixels + p] ?? 0;
        }
      }
    }
    return packed;
  };
  return { packed: { ...packedAs(node, `image${rank}`), pack }, placement };
}

/** A weight as it stands, row-major. */
export const packPlain = (node: PackedSource): PackedConstant => ({
  ...packedAs(node, 'plain'),
  pack: () => Float32Array.from(node.attrs.tensor.data),
});
