/** `partialSums`: what `channelSums`, or a plain sum over images and pixels, needs of each part of the pixels. */
import { shapesEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import type { PartialMomentsAttrs } from './partial-moments.ts';
import { channelParts, pixelRows } from './rules/channel-elements.ts';
import { expectAtMost, expectFloat, expectInteger, expectRankAtLeast, operand } from './rules/expect.ts';
import { float64Of } from './rules/storage.ts';

const action = 'sum';

/**
 * g `[N, C, ...]` alone to `[parts, C]`; with x of the same shape and moments `[3, C]` to `[2 * parts, C]`, of each
 * part the sum of g, then that of g * (x - mean).
 */
function infer(inputs: readonly TensorType[], { rows }: PartialMomentsAttrs): TensorType {
  const g = operand(inputs, 0, action);
  const [, x, moments] = inputs;
  expectAtMost(inputs, 3, action);
  expectFloat(inputs, action);
  expectRankAtLeast(g, 2, action, '[N, C, ...]');
  expectInteger(rows, 1, 'rows');
  const channels = g.shape[1] ?? 1;
  const parts = Math.ceil(pixelRows(g).rows / rows);
  if (!x) return { dtype: 'f32', shape: [parts, channels] };
  if (!shapesEqual(g.shape, x.shape)) {
    throw new OpError('E0303', `cannot sum ${formatType(g)} over ${formatType(x)}: the shapes differ`, { input: 1 });
  }
  if (!moments || !shapesEqual(moments.shape, [3, channels])) {
    const message = `the moments of ${formatType(x)} are missing or do not fit`;
    throw new OpError('E0303', message, { help: 'the shape must be [3, C]', input: 2 });
  }
  return { dtype: 'f32', shape: [2 * parts, channels] };
}

function evaluate(inputs: readonly Tensor[], attrs: PartialMomentsAttrs): Tensor {
  infer(inputs, attrs);
  const g = operand(inputs, 0, action);
  const gradient = float64Of(g);
  const [, source, moments] = inputs.map(float64Of);
  const parts = channelParts(g.shape, attrs.rows);
  const [channels, sums] = [g.shape[1] ?? 1, source ? 2 : 1];
  const data = new Float64Array(sums * parts.length * channels);
  parts.forEach((elements, part) =>
    elements.forEach((offsets, c) => {
      const mean = moments?.[c] ?? 0;
      data[sums * part * channels + c] = offsets.reduce((sum, at) => sum + (gradient[at] ?? 0), 0);
      if (!source) return;
      const product = (sum: number, at: number): number => sum + (gradient[at] ?? 0) * ((source[at] ?? 0) - mean);
      data[(2 * part + 1) * channels + c] = offsets.reduce(product, 0);
    }),
  );
  return { dtype: 'f32', shape: [sums * parts.length, channels], data };
}

const sample = (
  name: string,
  shape: readonly number[],
  rows: number,
  operands: 1 | 3,
): Sample<PartialMomentsAttrs> => ({
  name: operands === 1 ? `${name}, alone` : name,
  inputs: [{ shape }, { shape }, { shape: [3, shape[1] ?? 1] }].slice(0, operands),
  attrs: { rows },
});

export const partialSums: Op<PartialMomentsAttrs> = {
  name: 'partialSums',
  summary: 'sums of each channel in parts of the pixels',
  operands: ['g', 'x?', 'moments?'],
  infer,
  evaluate,
  samples: ([1, 3] as const).flatMap((operands) => [
    sample('aligned channels', [2, 8, 6, 7], 3, operands),
    sample('unaligned channels, a short last part', [3, 6, 5, 5], 4, operands),
    sample('one part', [2, 5, 3, 3], 6, operands),
    sample('matrix', [19, 10], 4, operands),
    sample('many parts', [4, 12, 9, 9], 1, operands),
    sample('wide', [2, 20, 8, 40], 5, operands),
  ]),
};
