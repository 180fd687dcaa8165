/**
 * `maxPool2dGrad`: the gradient of `maxPool2d`; each window's goes to its largest cell, the first of equals or, where
 * there is a NaN, the last of those (as in PyTorch).
 */
import { shapesEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, operand } from './rules/expect.ts';
import { cut, foldWindows, inferPool, windowRanges, type Fold, type PoolAttrs } from './rules/pool.ts';
import { float64Of } from './rules/storage.ts';

const action = 'differentiate the pool of';

/** x `[N, C, H, W]` and the gradient of its pool, to the shape of x. Throws the pool's faults, and E0303. */
function infer(inputs: readonly TensorType[], attrs: PoolAttrs): TensorType {
  const [x, g] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  expectAtMost(inputs, 2, action);
  expectFloat(inputs, action);
  const pooled = inferPool([x], attrs);
  if (shapesEqual(pooled.shape, g.shape)) return x;
  throw new OpError('E0303', `the gradient ${formatType(g)} does not fit the pool ${formatType(pooled)}`, { input: 1 });
}

function evaluate(inputs: readonly Tensor[], attrs: PoolAttrs): Tensor {
  infer(inputs, attrs);
  const [x, g] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  const [, , height = 1, width = 1] = x.shape;
  const gradient = float64Of(g);
  const data = new Float64Array(x.data.length);
  let window = 0;
  const give: Fold = (source, base, [top, bottom], [left, right]) => {
    let best = base + top * width + left;
    for (let row = top; row < bottom; row++) {
      for (let at = base + row * width + left; at < base + row * width + right; at++) {
        const value = source[at] ?? 0;
        if (value > (source[best] ?? 0) || Number.isNaN(value)) best = at;
      }
    }
    data[best] = (data[best] ?? 0) + (gradient[window++] ?? 0);
    return 0;
  };
  const rows = windowRanges(g.shape[2] ?? 1, attrs, 0).map((range) => cut(range, 0, height));
  const columns = windowRanges(g.shape[3] ?? 1, attrs, 1).map((range) => cut(range, 0, width));
  foldWindows(x, rows, columns, new Float64Array(gradient.length), give);
  return { dtype: 'f32', shape: x.shape, data };
}

function sample(
  name: string,
  shape: readonly number[],
  given: Partial<PoolAttrs> = {},
  range: readonly [number, number] = [-1, 1],
): Sample<PoolAttrs> {
  const attrs: PoolAttrs = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], ceilMode: false, ...given };
  const pooled = inferPool([{ dtype: 'f32', shape }], attrs).shape.map(Number);
  return { name, inputs: [{ shape, range }, { shape: pooled }], attrs };
}

/** Whole numbers of a small range: nearly every window has several largest cells. */
function tied(name: string, shape: readonly number[], given: Partial<PoolAttrs> = {}): Sample<PoolAttrs> {
  const { inputs, attrs } = sample(name, shape, given);
  return { name, inputs: [{ shape, range: [-1, 1], whole: true }, ...inputs.slice(1)], attrs };
}

const padded3: Partial<PoolAttrs> = { kernel: [3, 3], padding: [1, 1, 1, 1] };

export const maxPool2dGrad: Op<PoolAttrs> = {
  name: 'maxPool2dGrad',
  summary: 'the gradient of `maxPool2d` with respect to its operand',
  operands: ['x', 'g'],
  infer,
  evaluate,
  samples: [
    sample('2x2', [2, 8, 6, 6]),
    sample('2x2 unaligned channels', [2, 5, 6, 4]),
    sample('2x2 odd size', [1, 3, 7, 5]),
    sample('2x2 ceil', [1, 3, 7, 5], { ceilMode: true }),
    tied('2x2 equal cells', [2, 6, 8, 6]),
    sample('3x3 stride 2 padded', [1, 6, 9, 8], padded3),
    sample('3x3 stride 2 padded ceil', [1, 6, 8, 9], { ...padded3, ceilMode: true }),
    sample('3x3 stride 2', [1, 4, 8, 6], { kernel: [3, 3] }),
    tied('3x3 stride 2 equal cells', [2, 5, 9, 9], padded3),
    sample('3x3 stride 1', [2, 4, 5, 5], { ...padded3, stride: [1, 1] }),
    tied('3x3 stride 1 equal cells', [1, 4, 6, 7], { ...padded3, stride: [1, 1] }),
    sample('1x3', [1, 5, 4, 7], { kernel: [1, 3], stride: [1, 2], padding: [0, 1, 0, 1] }),
    sample('asymmetric padding', [1, 4, 6, 6], { kernel: [3, 3], padding: [0, 0, 1, 1] }),
    sample('stride larger than kernel', [1, 4, 8, 8], { stride: [3, 3] }),
    sample('whole plane', [2, 7, 3, 4], { kernel: [3, 4], stride: [1, 1] }),
    sample('2x2, wide', [1, 5, 4, 70]),
    tied('3x3 stride 2, wide', [1, 6, 5, 71], padded3),
    tied('3x3 stride 1, wide', [1, 3, 4, 37], { ...padded3, stride: [1, 1] }),
    sample('4x4 stride 2', [1, 4, 10, 9], { kernel: [4, 4] }),
    sample('all negative, padded', [1, 3, 4, 4], padded3, [-3, -1]),
  ],
};
