/** `partialTotals`: sums of all elements, or of the products of two tensors, in parts that follow the memory. */
import { shapesEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { pixelRows } from './rules/channel-elements.ts';
import { expectAtMost, expectFloat, expectInteger, expectRankAtLeast, operand } from './rules/expect.ts';
import { concreteShape, float64Of } from './rules/storage.ts';

export type PartialTotalsAttrs = {
  /**
   * Quadruples in one part, the last may have fewer: four neighbouring channels of one pixel, channel groups of a pixel
   * after each other, then pixels, then images.
   */
  readonly chunk: number;
};

const action = 'sum';

/** x `[N, C, ...]`, and y of the same shape or left out, to `[parts, 1]`. */
function infer(inputs: readonly TensorType[], { chunk }: PartialTotalsAttrs): TensorType {
  const x = operand(inputs, 0, action);
  const [, y] = inputs;
  expectAtMost(inputs, 2, action);
  expectFloat(inputs, action);
  expectRankAtLeast(x, 2, action, '[N, C, ...]');
  expectInteger(chunk, 1, 'chunk');
  if (y && !shapesEqual(x.shape, y.shape)) {
    const message = `cannot sum products of ${formatType(x)} and ${formatType(y)}: the shapes differ`;
    throw new OpError('E0303', message, { input: 1 });
  }
  const { rows, columns } = pixelRows(x);
  const groups = Math.ceil(Number(x.shape[1]) / 4);
  return { dtype: 'f32', shape: [Math.ceil((rows * columns * groups) / chunk), 1] };
}

function evaluate(inputs: readonly Tensor[], attrs: PartialTotalsAttrs): Tensor {
  const shape = concreteShape(infer(inputs, attrs));
  const x = operand(inputs, 0, action);
  const [first, second] = inputs.map(float64Of);
  const [batch = 1, channels = 1] = x.shape;
  const plane = x.data.length / (batch * channels);
  const groups = Math.ceil(channels / 4);
  const data = new Float64Array(shape[0] ?? 1);
  for (let at = 0; at < x.data.length; at++) {
    const [n, c, p] = [Math.floor(at / plane / channels), Math.floor(at / plane) % channels, at % plane];
    const part = Math.floor(((n * plane + p) * groups + Math.floor(c / 4)) / attrs.chunk);
    data[part] = (data[part] ?? 0) + (first?.[at] ?? 0) * (second ? (second[at] ?? 0) : 1);
  }
  return { dtype: 'f32', shape, data };
}

const sample = (
  name: string,
  shape: readonly number[],
  chunk: number,
  operands: 1 | 2,
): Sample<PartialTotalsAttrs> => ({
  name: operands === 1 ? name : `${name}, products`,
  inputs: [{ shape }, { shape }].slice(0, operands),
  attrs: { chunk },
});

export const partialTotals: Op<PartialTotalsAttrs> = {
  name: 'partialTotals',
  summary: 'sums of all elements, or of products, in parts',
  operands: ['x', 'y?'],
  infer,
  evaluate,
  samples: ([1, 2] as const).flatMap((operands) => [
    sample('vector', [1, 4000], 33, operands),
    sample('unaligned vector', [1, 1003], 64, operands),
    sample('matrix', [19, 10], 7, operands),
    sample('images', [2, 6, 5, 7], 20, operands),
    sample('one part', [2, 3, 4, 4], 1000, operands),
  ]),
};
