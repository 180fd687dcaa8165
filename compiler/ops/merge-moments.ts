/** `mergeMoments`: the moments of all pixels from those of their parts (Chan, Golub and LeVeque 1983, pairwise sums). */
import { divideDimExactly, formatDim } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, expectInteger, expectRank, operand } from './rules/expect.ts';
import { concreteShape, float64Of } from './rules/storage.ts';

export type MergeMomentsAttrs = {
  /** Pixels in all, and in each part but the last. */
  readonly count: number;
  readonly part: number;
};

const action = 'merge';

/** `[2 * parts, C]`, as `partialMoments` gives it, to the `[3, C]` of `channelMoments`. */
function infer(inputs: readonly TensorType[], { count, part }: MergeMomentsAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRank(x, 2, action, '[2 * parts, C]');
  expectInteger(count, 1, 'count');
  expectInteger(part, 1, 'part');
  const [rows = 1, channels = 1] = x.shape;
  if (divideDimExactly(rows, 2) !== Math.ceil(count / part)) {
    const message = `cannot merge ${formatType(x)}: ${count} pixels in parts of ${part} do not make ${formatDim(rows)} rows`;
    throw new OpError('E0303', message, { input: 0 });
  }
  return { dtype: 'f32', shape: [3, channels] };
}

function evaluate(inputs: readonly Tensor[], attrs: MergeMomentsAttrs): Tensor {
  const shape = concreteShape(infer(inputs, attrs));
  const source = float64Of(operand(inputs, 0, action));
  const { count, part } = attrs;
  const channels = shape[1] ?? 1;
  const sizes = Array.from({ length: Math.ceil(count / part) }, (_, at) => Math.min(part, count - at * part));
  const data = new Float64Array(3 * channels);
  for (let c = 0; c < channels; c++) {
    const meanOf = (at: number): number => source[2 * at * channels + c] ?? 0;
    const mean = sizes.reduce((sum, size, at) => sum + size * meanOf(at), 0) / count;
    const squares = sizes.reduce(
      (sum, size, at) => sum + (source[(2 * at + 1) * channels + c] ?? 0) + size * (meanOf(at) - mean) ** 2,
      0,
    );
    data[c] = mean;
    data[channels + c] = squares / count;
    data[2 * channels + c] = squares / Math.max(1, count - 1);
  }
  return { dtype: 'f32', shape, data };
}

const sample = (name: string, channels: number, count: number, part: number): Sample<MergeMomentsAttrs> => ({
  name,
  inputs: [{ shape: [2 * Math.ceil(count / part), channels] }],
  attrs: { count, part },
});

export const mergeMoments: Op<MergeMomentsAttrs> = {
  name: 'mergeMoments',
  summary: 'the moments of all pixels from those of their parts',
  operands: ['partials'],
  infer,
  evaluate,
  samples: [
    sample('equal parts', 8, 60, 12),
    sample('a short last part', 6, 50, 16),
    sample('one part', 5, 9, 9),
    sample('one pixel', 3, 1, 1),
    sample('many parts', 20, 1000, 7),
  ],
};
