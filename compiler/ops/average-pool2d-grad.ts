/** `averagePool2dGrad`: the gradient of `averagePool2d`; each window's is spread evenly over its cells. */
import { shapesEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import type { AveragePool2dAttrs } from './average-pool2d.ts';
import { expectAtMost, expectFloat, expectIntegers, expectRank, operand, type Pair } from './rules/expect.ts';
import { cut, inferPool, spreadWindows, windowRanges } from './rules/pool.ts';

export type AveragePool2dGradAttrs = AveragePool2dAttrs & {
  /** `[height, width]` of what was pooled. */
  readonly size: Pair;
};

const action = 'spread';

/** g of the pool's shape to `[N, C, H, W]`. Throws the pool's faults, and E0303 where g is not of its shape. */
function infer(inputs: readonly TensorType[], attrs: AveragePool2dGradAttrs): TensorType {
  const g = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRank(g, 4, action, '[N, C, H, W]');
  expectIntegers(attrs.size, 2, 1, 'size');
  const [batch = 1, channels = 1] = g.shape;
  const x: TensorType = { dtype: 'f32', shape: [batch, channels, ...attrs.size] };
  const pooled = inferPool([x], attrs);
  if (shapesEqual(pooled.shape, g.shape)) return x;
  throw new OpError('E0303', `the gradient ${formatType(g)} does not fit the pool ${formatType(pooled)}`, { input: 0 });
}

function evaluate(inputs: readonly Tensor[], attrs: AveragePool2dGradAttrs): Tensor {
  infer(inputs, attrs);
  const g = operand(inputs, 0, action);
  const { size, padding, countIncludePad } = attrs;
  // Cells beyond the padding, which only ceil mode reaches, do not count.
  const ranges = (side: 0 | 1) =>
    windowRanges(g.shape[side + 2] ?? 1, attrs, side).map((range) => {
      const inside = cut(range, 0, size[side]);
      const [from, to] = countIncludePad ? cut(range, -Infinity, size[side] + padding[side === 0 ? 2 : 3]) : inside;
      return { range: inside, count: to - from };
    });
  return spreadWindows(g, size, ranges(0), ranges(1));
}

function sample(
  name: string,
  shape: readonly [number, number, number, number],
  given: Partial<AveragePool2dAttrs> = {},
): Sample<AveragePool2dGradAttrs> {
  const plain = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], ceilMode: false } as const;
  const attrs = { ...plain, countIncludePad: true, ...given, size: [shape[2], shape[3]] } as const;
  return { name, inputs: [{ shape: inferPool([{ dtype: 'f32', shape }], attrs).shape.map(Number) }], attrs };
}

const padded3 = { kernel: [3, 3], padding: [1, 1, 1, 1] } as const;

export const averagePool2dGrad: Op<AveragePool2dGradAttrs> = {
  name: 'averagePool2dGrad',
  summary: 'the gradient of `averagePool2d` with respect to its operand',
  operands: ['g'],
  infer,
  evaluate,
  samples: [
    sample('2x2', [2, 8, 6, 6]),
    sample('2x2 unaligned channels', [2, 5, 6, 4]),
    sample('2x2 odd size', [1, 3, 7, 5]),
    sample('2x2 ceil', [1, 3, 7, 5], { ceilMode: true }),
    sample('3x3 padded', [1, 6, 9, 8], padded3),
    sample('3x3 padded, padding left out', [1, 6, 9, 8], { ...padded3, countIncludePad: false }),
    sample('3x3 padded ceil', [1, 4, 8, 6], { ...padded3, ceilMode: true }),
    sample('3x3 padded ceil, padding left out', [1, 4, 8, 6], { ...padded3, ceilMode: true, countIncludePad: false }),
    sample('3x3 stride 1', [2, 4, 5, 5], { ...padded3, stride: [1, 1] }),
    sample('1x3', [1, 5, 4, 7], { kernel: [1, 3], stride: [1, 2], padding: [0, 1, 0, 1] }),
    sample('asymmetric padding', [1, 4, 6, 6], { kernel: [3, 3], padding: [0, 0, 1, 1] }),
    sample('stride larger than kernel', [1, 4, 8, 8], { stride: [3, 3] }),
    sample('wide', [1, 6, 4, 40]),
    sample('whole plane', [2, 7, 3, 4], { kernel: [3, 4], stride: [1, 1] }),
  ],
};
