/** What the pools share: attributes, shape rule and the walk over planes and windows. */
import { elementCount, type Tensor, type TensorData, type TensorType } from '../../ir/type.ts';
import { expectAtMost, expectRank, operand, type Pads, type Pair } from './expect.ts';
import { expectHalfPadding, expectWindows, windowGrid, type Windows } from './window.ts';

export type PoolAttrs = {
  readonly kernel: Pair;
  readonly stride: Pair;
  readonly padding: Pads;
  readonly ceilMode: boolean;
};

/** A pool's result type. Throws E0301, E0306, E0309 and E0310. */
export function inferPool(inputs: readonly TensorType[], attrs: PoolAttrs): TensorType {
  const x = operand(inputs, 0, 'pool');
  expectAtMost(inputs, 1, 'pool');
  expectRank(x, 4, 'pool', '[N, C, H, W]');
  expectWindows(attrs);
  expectHalfPadding(attrs);
  const [batch = 1, channels = 1] = x.shape;
  return { dtype: x.dtype, shape: [batch, channels, ...windowGrid(x, attrs, 'pool')] };
}

/** The range of cells `[from, to)` that window `index` covers on an axis, before it is cut to the input. */
export type Range = readonly [number, number];

/** The ranges of all windows on an axis: 0 for rows, 1 for columns. */
export function windowRanges(count: number, windows: Windows, side: 0 | 1): Range[] {
  const [step, before, kernel] = [windows.stride[side], windows.padding[side], windows.kernel[side]];
  return Array.from({ length: count }, (_, index) => [index * step - before, index * step - before + kernel]);
}

/** Window i covers `floor(i*size/count)` up to `ceil((i+1)*size/count)` (PyTorch's `AdaptiveAvgPool2d`). */
export const adaptiveRanges = (size: number, count: number): Range[] =>
  Array.from({ length: count }, (_, index) => [
    Math.floor((index * size) / count),
    Math.ceil(((index + 1) * size) / count),
  ]);

export const cut = ([from, to]: Range, least: number, most: number): Range => [
  Math.max(from, least),
  Math.min(to, most),
];

/** The value of one window; `rows` and `columns` may reach beyond the plane that begins at `base`. */
export type Fold = (source: TensorData, base: number, rows: Range, columns: Range) => number;

/** Applies `fold` to every window of every plane of `[N, C, H, W]`. */
export function foldWindows(
  x: Tensor,
  rows: readonly Range[],
  columns: readonly Range[],
  result: TensorData,
  fold: Fold,
): void {
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  let at = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    for (const row of rows) {
      for (const column of columns) result[at++] = fold(x.data, plane * height * width, row, column);
    }
  }
}

/** A window inside the plane, and how many cells its mean divides by. */
export interface MeanRange {
  readonly range: Range;
  readonly count: number;
}

/** The adjoint of means over windows: each value of g `[N, C, h, w]` spread over its window of `[N, C, ...size]`. */
export function spreadWindows(
  g: Tensor,
  [height, width]: Pair,
  rows: readonly MeanRange[],
  columns: readonly MeanRange[],
): Tensor {
  const shape = [...g.shape.slice(0, 2), height, width];
  const data = new Float64Array(elementCount(shape));
  const planes = elementCount(shape.slice(0, 2));
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    for (const row of rows) {
      for (const column of columns) {
        const share = (g.data[at++] ?? 0) / (row.count * column.count);
        for (let y = row.range[0]; y < row.range[1]; y++) {
          const start = (plane * height + y) * width;
          for (let x = start + column.range[0]; x < start + column.range[1]; x++) data[x] = (data[x] ?? 0) + share;
        }
      }
    }
  }
  return { dtype: 'f32', shape, data };
}
