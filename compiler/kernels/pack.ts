/** Weights re-packed at build time into the order in which the kernels read them. */
import type { ConstantAttrs } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import { channelGroups, noHalo, type PackedConstant, type Placement } from './kernel.ts';

/** Output channels that one mat4x4 pair covers: every convolution packing works in blocks of eight. */
export const outputBlock = 8;

/** Where packed weights come from. */
export type PackedSource = Node<ConstantAttrs>;

const nameOf = (node: PackedSource): string => `${node.attrs.name || 'constant'}.${node.id}`;

/**
 * A convolution's weight `[O, I, KH, KW]` (or a linear's `[O, I]`) as mat4x4f in the order
 * [O / 8][KH][I / 4][KW][2]: matrix `m` holds four output channels (rows) of four input channels (columns), so that
 * `m * x` adds four inputs to four outputs. Grouped weights keep I = channels of one group.
 */
export function packMatrices(node: PackedSource): PackedConstant {
  const { shape, data } = node.attrs.tensor;
  const [outputs = 1, inputs = 1, height = 1, width = 1] = shape;
  const pack = (): Float32Array => {
    const groups = channelGroups(inputs);
    const packed = new Float32Array(Math.ceil(outputs / outputBlock) * height * groups * width * 32);
    const taps = height * width;
    for (let o = 0; o < outputs; o++) {
      const block = Math.floor(o / outputBlock);
      const lane = (Math.floor(o / 4) % 2) * 16 + (o % 4);
      for (let i = 0; i < inputs; i++) {
        const from = (o * inputs + i) * taps;
        const to = ((block * height * groups + Math.floor(i / 4)) * width) * 32 + lane + (i % 4) * 4;
        for (let y = 0; y < height; y++) {
          for (let x = 0; x < width; x++) {
            packed[to + (y * groups * width + x) * 32] = data[from + y * width + x] ?? 0;
          }
        }
      }
    }
    return packed;
  };
  return { name: `${nameOf(node)}:matrices`, pack };
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
  return { name: `${nameOf(node)}:depthwise`, pack };
}

/** A bias `[O]`, or zeros where there is none, padded to whole output blocks. */
export function packBias(node: PackedSource | undefined, outputs: number): PackedConstant {
  const size = Math.ceil(outputs / outputBlock) * outputBlock;
  const pack = (): Float32Array => {
    const packed = new Float32Array(size);
    if (node) packed.set(node.attrs.tensor.data);
    return packed;
  };
  return { name: node ? `${nameOf(node)}:bias` : `zeros.${size}`, pack };
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
  return { packed: { name: `${nameOf(node)}:image${rank}`, pack }, placement };
}

/** A weight as it stands, row-major. */
export const packPlain = (node: PackedSource): PackedConstant => ({
  name: `${nameOf(node)}:plain`,
  pack: () => Float32Array.from(node.attrs.tensor.data),
});
