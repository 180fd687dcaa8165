/** `partialMoments`: what `channelMoments` needs of each part of the pixels, so that many can work on one channel. */
import type { Op, Sample } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import { channelParts, pixelRows } from './rules/channel-elements.ts';
import { expectAtMost, expectFloat, expectInteger, expectRankAtLeast, operand } from './rules/expect.ts';
import { float64Of } from './rules/storage.ts';

export type PartialMomentsAttrs = {
  /** Rows of pixels in one part, the last may have fewer; images follow each other, a matrix has one pixel a row. */
  readonly rows: number;
};

const action = 'take moments of';

/** `[N, C, ...]` to `[2 * parts, C]`: of each part the mean, then the sum of squared distances from it. */
function infer(inputs: readonly TensorType[], { rows }: PartialMomentsAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRankAtLeast(x, 2, action, '[N, C, ...]');
  expectInteger(rows, 1, 'rows');
  return { dtype: 'f32', shape: [2 * Math.ceil(pixelRows(x).rows / rows), x.shape[1] ?? 1] };
}

function evaluate(inputs: readonly Tensor[], attrs: PartialMomentsAttrs): Tensor {
  infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const source = float64Of(x);
  const parts = channelParts(x.shape, attrs.rows);
  const channels = x.shape[1] ?? 1;
  const data = new Float64Array(2 * parts.length * channels);
  parts.forEach((elements, part) =>
    elements.forEach((offsets, c) => {
      const mean = offsets.reduce((sum, at) => sum + (source[at] ?? 0), 0) / offsets.length;
      data[2 * part * channels + c] = mean;
      data[(2 * part + 1) * channels + c] = offsets.reduce((sum, at) => sum + ((source[at] ?? 0) - mean) ** 2, 0);
    }),
  );
  return { dtype: 'f32', shape: [2 * parts.length, channels], data };
}

const sample = (name: string, shape: readonly number[], rows: number): Sample<PartialMomentsAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { rows },
});

export const partialMoments: Op<PartialMomentsAttrs> = {
  name: 'partialMoments',
  summary: 'mean and squared distances of each channel in parts of the pixels',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    sample('aligned channels', [2, 8, 6, 7], 3),
    sample('unaligned channels, a short last part', [3, 6, 5, 5], 4),
    sample('one part', [2, 5, 3, 3], 6),
    sample('matrix', [19, 10], 4),
    sample('many parts', [4, 12, 9, 9], 1),
    sample('wide', [2, 20, 8, 40], 5),
  ],
};
