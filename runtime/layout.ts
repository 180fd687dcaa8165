/** Between row-major NCHW tensors and the device's layout (see `Layout` in artifact.ts). */
import { evaluateSize, type Layout, type Value } from './artifact.ts';

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
  /** Whether elements are bytes (q + 128 of an i8 q) instead of floats. */
  readonly isInteger: boolean;
  /** Elements from one pixel to the next, and in front of the first channel. */
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
    isInteger: layout.element === 'i8',
    pixelStride: layout.channelStride * 4,
    firstChannel: layout.channelOffset * 4,
  };
}

/** Elements from the start of a value's memory to the end of its last pixel, padding lanes included. */
export const extentOf = ({ batch, rows, columns, channels, pixelStride, firstChannel }: ConcreteLayout): number =>
  (batch * rows * columns - 1) * pixelStride + firstChannel + Math.ceil(channels / 4) * 4;

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

/** How the session quantizes an input. */
export type InputQuantization = NonNullable<Value['quantize']>;

// Adding and subtracting 1.5 * 2^52 rounds a float64 below 2^51 to the nearest integer, ties to the even one.
const rounding = 1.5 * 2 ** 52;

/** Writes a tensor into device order as bytes of i8, borders included; the same bits as the op `quantize` gives. */
export function quantizeInto(
  target: Uint8Array,
  tensor: ArrayLike<number>,
  layout: ConcreteLayout,
  { scale, zeroPoint, border }: InputQuantization,
): void {
  const { width, pixelStride } = layout;
  const inverse = Math.fround(1 / scale);
  target.fill(border);
  eachRow(layout, (from, to) => {
    for (let x = 0; x < width; x++) {
      const steps = Math.fround((tensor[from + x] ?? 0) * inverse);
      const q = Math.min(Math.max(steps + rounding - rounding + zeroPoint, -128), 127);
      target[to + x * pixelStride] = q + 128;
    }
  });
}

/** Reads a tensor out of device order; the elements of i8 as whole numbers. */
export function unpack(source: Float32Array | Uint8Array, layout: ConcreteLayout): Float32Array {
  const { batch, channels, height, width, pixelStride, isInteger } = layout;
  const tensor = new Float32Array(batch * channels * height * width);
  const excess = isInteger ? 128 : 0;
  eachRow(layout, (to, from) => {
    for (let x = 0; x < width; x++) tensor[to + x] = (source[from + x * pixelStride] ?? 0) - excess;
  });
  return tensor;
}

/** The elements of a value in bytes that were read back. */
export const elementsOf = (
  mapped: ArrayBuffer,
  offset: number,
  bytes: number,
  { isInteger }: ConcreteLayout,
): Float32Array | Uint8Array =>
  isInteger ? new Uint8Array(mapped, offset, bytes) : new Float32Array(mapped, offset, bytes / 4);
