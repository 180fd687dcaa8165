/** Storage order: how the elements of a tensor follow each other in a flat vector, as they do in device memory. */
import { elementCount } from '../../ir/type.ts';

/**
 * A shape `[n, c, ...rest]` as images of pixels with channels together; `[c]` counts as `[1, c]`, a scalar as `[1, 1]`.
 * Element (n, c, r) lies at `(n * pixels + r) * lanes + c`; the lanes behind the last channel hold zero.
 */
export interface StorageOrder {
  readonly images: number;
  readonly channels: number;
  readonly pixels: number;
  /** Elements from one pixel to the next: the channels, rounded up to a multiple of four. */
  readonly lanes: number;
}

export function storageOrder(shape: readonly number[]): StorageOrder {
  const [images = 1, channels = 1, ...rest] = shape.length < 2 ? [1, ...shape] : shape;
  return { images, channels, pixels: elementCount(rest), lanes: Math.ceil(channels / 4) * 4 };
}

/** Elements that a tensor takes in storage order, padding lanes included: a multiple of four. */
export function storedLength(shape: readonly number[]): number {
  const { images, pixels, lanes } = storageOrder(shape);
  return images * pixels * lanes;
}

/** Calls `visit` for every element: its index in the tensor (row-major) and in the stored form. */
export function eachStored(shape: readonly number[], visit: (index: number, stored: number) => void): void {
  const { images, channels, pixels, lanes } = storageOrder(shape);
  for (let n = 0; n < images; n++) {
    for (let c = 0; c < channels; c++) {
      const from = (n * channels + c) * pixels;
      const to = n * pixels * lanes + c;
      for (let r = 0; r < pixels; r++) visit(from + r, to + r * lanes);
    }
  }
}

/** Whether the elements of both shapes, each in row-major order, lie at the same places in storage order. */
export function sameStorage(a: readonly number[], b: readonly number[]): boolean {
  const [x, y] = [storageOrder(a), storageOrder(b)];
  if (x.images === y.images && x.channels === y.channels && x.pixels === y.pixels) return true;
  // Pixels of their own follow each other in row-major order; without padding lanes in between, so do images.
  const isRowMajor = ({ images, channels, pixels, lanes }: StorageOrder): boolean =>
    pixels === 1 && (images === 1 || channels === lanes);
  return elementCount(a) === elementCount(b) && isRowMajor(x) && isRowMajor(y);
}
