/** `dropoutMask`: 0 with probability p, else 1 / (1 - p), from Philox: any element of any step can be drawn alone. */
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { shapesEqual } from '../ir/dim.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { philox } from '../../runtime/philox.ts';
import { expectAtMost, expectFloat, expectInteger, operand } from './rules/expect.ts';

export type DropoutMaskAttrs = {
  readonly shape: readonly number[];
  readonly p: number;
  /** Keeps the masks of one step apart. */
  readonly stream: number;
};

const action = 'draw from';

/** rng `[1, 4]`: the step's low 24 bits, the low and the high 16 bits of the seed, 0; each exact in f32. */
function infer(inputs: readonly TensorType[], { shape, p, stream }: DropoutMaskAttrs): TensorType {
  const rng = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  if (!shapesEqual(rng.shape, [1, 4])) {
    throw new OpError('E0301', `cannot draw from ${formatType(rng)}`, { help: 'the shape must be [1, 4]', input: 0 });
  }
  for (const size of shape) expectInteger(size, 1, 'a size');
  expectInteger(stream, 0, 'stream');
  if (!(p >= 0 && p < 1)) throw new OpError('E0310', `p must be at least 0 and less than 1, not ${p}`);
  return { dtype: 'f32', shape };
}

/**
 * Element i of the row-major order takes word i % 4 of the counter (i / 4, stream, step, 0) under the key (seed, 0);
 * its uniform number is the word's high 24 bits / 2^24, and it is dropped where that is less than p.
 */
function evaluate(inputs: readonly Tensor[], attrs: DropoutMaskAttrs): Tensor {
  infer(inputs, attrs);
  const [step = 0, low = 0, high = 0] = operand(inputs, 0, action).data;
  const seed = high * 0x10000 + low;
  const kept = 1 / (1 - attrs.p);
  const data = new Float64Array(elementCount(attrs.shape));
  for (let block = 0; block * 4 < data.length; block++) {
    const words = philox([block, attrs.stream, step, 0], [seed, 0]);
    words.forEach((word, lane) => {
      if (block * 4 + lane < data.length) data[block * 4 + lane] = isDropped(word, attrs.p) ? 0 : kept;
    });
  }
  return { dtype: 'f32', shape: attrs.shape, data };
}

/** The least 24-bit integer that is kept; the comparison is one of integers, so that no rounding of p moves it. */
export const dropoutThreshold = (p: number): number => Math.ceil(p * 2 ** 24);

const isDropped = (word: number, p: number): boolean => word >>> 8 < dropoutThreshold(p);

const sample = (
  name: string,
  shape: readonly number[],
  p: number,
  stream = 0,
  range: readonly [number, number] = [0, 0xffff],
): Sample<DropoutMaskAttrs> => ({
  name,
  inputs: [{ shape: [1, 4], range, whole: true }],
  attrs: { shape, p, stream },
});

export const dropoutMask: Op<DropoutMaskAttrs> = {
  name: 'dropoutMask',
  summary: 'zeros with a probability, else the factor that keeps the mean',
  operands: ['rng'],
  infer,
  evaluate,
  samples: [
    sample('matrix', [3, 10], 0.5),
    sample('aligned', [2, 8, 5, 7], 0.2, 3),
    sample('unaligned', [2, 6, 3, 5], 0.1, 1),
    sample('one channel', [2, 1, 7, 9], 0.9, 2),
    sample('nothing dropped', [2, 5, 2, 2], 0, 4),
    sample('nearly all dropped', [4, 33], 0.99, 70000),
    sample('vector', [7], 0.5, 5),
  ],
};
