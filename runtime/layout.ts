/** Between row-major NCHW tensors and the device's layout (see `Layout` in artifact.ts). */
import { evaluateSize, type Layout } from './artifact.ts';

/** A layout with its sizes known, and the batch. */
export interface ConcreteLayout {
  readonly batch: number;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly top: number;
  readonly left: number;
  readonly rows: number;
  readonly columns: number;
  /** Floats from one pixel to the next, and in front of the first channel. */
  readonly pixelStride: number;
  readonly firstChannel: number;
}

export function concreteLayout(
  layout: Layout,
  shape: readonly number[],
  symbols: Readonly<Record<string, number>>,
): ConcreteLayout {
  const [top, left, bottom, right] = layout.halo;
  const height = evaluateSize(layout.height, symbols);
  const width = evaluateSize(layout.width, symbols);
  return {
    batch: shape[0] ?? 1,
    channels: layout.channels,
    height,
    width,
    top,
    left,
    rows: top + height + bottom,
    columns: left + width + right,
    pixelStride: layout.channelStride * 4,
    firstChannel: layout.channelOffset * 4,
  };
}

/** Calls `visit` for each row of each channel: where it starts in the tensor and in device memory. */
function eachRow(layout: ConcreteLayout, visit: (tensor: number, device: number) => void): void {
  const { batch, channels, height, width, top, left, rows, columns, pixelStride, firstChannel } = layout;
  for (let n = 0; n < batch; n++) {
    for (let c = 0; c < channels; c++) {
      for (let y = 0; y < height; y++) {
        const pixel = (n * rows + top + y) * columns + left;
        visit(((n * channels + c) * height + y) * width, pixel * pixelStride + firstChannel + c);
      }
    }
  }
}

/** Writes a tensor into device order; what is not of the tensor (borders, padding lanes) is left as it is. */
export function packInto(target: Float32Array, tensor: ArrayLike<number>, layout: ConcreteLayout): void {
  const { width, pixelStride } = layout;
  eachRow(layout, (from, to) => {
    for (let x = 0; x < width; x++) target[to + x * pixelStride] = tensor[from + x] ?? 0;
  });
}

/** Reads a tensor out of device order. */
export function unpack(source: Float32Array, layout: ConcreteLayout): Float32Array {
  const { batch, channels, height, width, pixelStride } = layout;
  const tensor = new Float32Array(batch * channels * height * width);
  eachRow(layout, (to, from) => {
    for (let x = 0; x < width; x++) tensor[to + x] = source[from + x * pixelStride] ?? 0;
  });
  return tensor;
}
