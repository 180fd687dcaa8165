/** `softmax`: `exp(x - max) / sum(exp(x - max))` along an axis; subtracting the maximum avoids overflow. */
import type { Op, Sample } from '../ir/op.ts';
import { stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectAxis, expectFloat, operand } from './rules/expect.ts';
import { float64Of, offsetsOf } from './rules/storage.ts';

export type SoftmaxAttrs = { readonly axis: number };

const action = 'normalise';

function infer(inputs: readonly TensorType[], attrs: SoftmaxAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectAxis(x, attrs.axis, action);
  return x;
}

function evaluate(inputs: readonly Tensor[], attrs: SoftmaxAttrs): Tensor {
  infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const strides = stridesOf(x.shape);
  const [size, step] = [x.shape[attrs.axis] ?? 1, strides[attrs.axis] ?? 1];
  const source = float64Of(x);
  const data = new Float64Array(source.length);
  for (const start of offsetsOf(x.shape.with(attrs.axis, 1), strides)) {
    const end = start + size * step;
    let largest = -Infinity;
    for (let at = start; at < end; at += step) largest = Math.max(largest, source[at] ?? 0);
    let sum = 0;
    for (let at = start; at < end; at += step) sum += data[at] = Math.exp((source[at] ?? 0) - largest);
    for (let at = start; at < end; at += step) data[at] = (data[at] ?? 0) / sum;
  }
  return { dtype: 'f32', shape: x.shape, data };
}

const sample = (
  name: string,
  shape: readonly number[],
  axis: number,
  range: readonly [number, number] = [-4, 4],
): Sample<SoftmaxAttrs> => ({ name, inputs: [{ shape, range }], attrs: { axis } });

export const softmax: Op<SoftmaxAttrs> = {
  name: 'softmax',
  summary: 'exponentials that sum to one along an axis',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    sample('ten classes', [3, 10], 1),
    sample('aligned classes', [2, 8], 1),
    sample('one class', [3, 1], 1),
    sample('three classes', [5, 3], 1),
    sample('many classes', [2, 1003], 1),
    sample('large logits', [2, 6], 1, [80, 120]),
    sample('pixels', [2, 5, 3, 4], 1),
    sample('pixels of many classes', [1, 21, 5, 3], 1),
    sample('width', [1, 6, 3, 5], 3),
    sample('batch', [4, 3], 0),
    sample('rank 3', [2, 4, 7], 2),
  ],
};
