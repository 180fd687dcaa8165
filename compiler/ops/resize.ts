/** `resize`: planes of another height and width, by the nearest cell or between four (PyTorch's `interpolate`). */
import type { Dim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, expectInteger, expectRank, operand } from './rules/expect.ts';
import { allocate, concreteShape, float64Of } from './rules/storage.ts';

export type ResizeAttrs = {
  /** `[height, width]` of the result; may name symbols of the operand. */
  readonly size: readonly [Dim, Dim];
  /** `nearest`, or `bilinear` with pixel centres at halves (`align_corners=False`). */
  readonly mode: string;
};

const action = 'resize';
export const resizeModes: readonly string[] = ['nearest', 'bilinear'];

function infer(inputs: readonly TensorType[], attrs: ResizeAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  if (attrs.mode !== 'nearest') expectFloat(inputs, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  if (!resizeModes.includes(attrs.mode)) {
    throw new OpError('E0310', `mode must be ${resizeModes.join(' or ')}, not ${attrs.mode}`);
  }
  if (!Array.isArray(attrs.size) || attrs.size.length !== 2)
    throw new OpError('E0310', 'size must be a list of 2 sizes');
  for (const size of attrs.size) if (typeof size === 'number') expectInteger(size, 1, 'a size');
  const [batch = 1, channels = 1] = x.shape;
  return { dtype: x.dtype, shape: [batch, channels, ...attrs.size] };
}

/** A result cell as `(1 - weight) * x[low] + weight * x[high]` along one axis. */
export interface Mix {
  readonly low: number;
  readonly high: number;
  readonly weight: number;
}

/**
 * Exact in integers, so that no rounding moves a cell: nearest takes `floor(i * from / to)`; bilinear lies at
 * `(i + 1/2) * from / to - 1/2`, at least 0, which is `((2i + 1) * from - to) / (2 * to)`.
 */
export function mixesOf(from: number, to: number, mode: string): Mix[] {
  return Array.from({ length: to }, (_, index) => {
    if (mode === 'nearest') {
      const low = Math.floor((index * from) / to);
      return { low, high: low, weight: 0 };
    }
    const place = Math.max(0, (2 * index + 1) * from - to);
    const low = Math.floor(place / (2 * to));
    return { low, high: Math.min(low + 1, from - 1), weight: (place % (2 * to)) / (2 * to) };
  });
}

function evaluate(inputs: readonly Tensor[], attrs: ResizeAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const [, , toHeight = 1, toWidth = 1] = shape;
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  const [rows, columns] = [mixesOf(height, toHeight, attrs.mode), mixesOf(width, toWidth, attrs.mode)];
  const source = float64Of(x);
  const data = allocate(x.dtype, elementCount(shape));
  let at = 0;
  for (let plane = 0; plane < batch * channels; plane++) {
    const base = plane * height * width;
    for (const row of rows) {
      const [top, bottom] = [base + row.low * width, base + row.high * width];
      for (const { low, high, weight } of columns) {
        if (attrs.mode === 'nearest') {
          // Moved, not weighed: infinity times a weight of 0 would be NaN, as it is in bilinear.
          data[at++] = source[top + low] ?? 0;
          continue;
        }
        const above = (source[top + low] ?? 0) * (1 - weight) + (source[top + high] ?? 0) * weight;
        const below = (source[bottom + low] ?? 0) * (1 - weight) + (source[bottom + high] ?? 0) * weight;
        data[at++] = above * (1 - row.weight) + below * row.weight;
      }
    }
  }
  return { dtype: x.dtype, shape, data };
}

const samples = resizeModes.flatMap((mode): Sample<ResizeAttrs>[] => {
  const one = (name: string, shape: readonly number[], size: readonly [number, number]): Sample<ResizeAttrs> => ({
    name: `${mode} ${name}`,
    inputs: [{ shape }],
    attrs: { size, mode },
  });
  return [
    one('twice', [2, 8, 3, 4], [6, 8]),
    one('twice unaligned', [1, 6, 5, 3], [10, 6]),
    one('odd factors', [1, 5, 4, 7], [7, 9]),
    one('down', [2, 3, 9, 10], [4, 3]),
    one('down by two', [1, 4, 8, 6], [4, 3]),
    one('up and down', [1, 1, 3, 8], [7, 5]),
    one('from one cell', [1, 7, 1, 1], [3, 4]),
    one('to one cell', [1, 4, 5, 4], [1, 1]),
    one('same size', [1, 6, 4, 5], [4, 5]),
  ];
});

export const resize: Op<ResizeAttrs> = {
  name: 'resize',
  summary: 'planes scaled to another height and width',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move' },
  samples,
};
