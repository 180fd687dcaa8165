/** `argMax`: the index of the largest value along an axis, as f32; the first of equals or of NaN (as in PyTorch). */
import type { Op, Sample } from '../ir/op.ts';
import { stridesOf, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectAxis, expectFloat, operand } from './rules/expect.ts';
import { concreteShape, float64Of, offsetsOf } from './rules/storage.ts';

export type ArgMaxAttrs = { readonly axis: number };

const action = 'search';

function infer(inputs: readonly TensorType[], attrs: ArgMaxAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectAxis(x, attrs.axis, action);
  return { dtype: 'f32', shape: x.shape.toSpliced(attrs.axis, 1) };
}

function evaluate(inputs: readonly Tensor[], attrs: ArgMaxAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const strides = stridesOf(x.shape);
  const [size, step] = [x.shape[attrs.axis] ?? 1, strides[attrs.axis] ?? 1];
  const source = float64Of(x);
  const starts = offsetsOf(x.shape.with(attrs.axis, 1), strides);
  const data = Float64Array.from(starts, (start) => {
    let best = 0;
    for (let index = 1; index < size; index++) {
      const [value, largest] = [source[start + index * step] ?? 0, source[start + best * step] ?? 0];
      if (value > largest || (Number.isNaN(value) && !Number.isNaN(largest))) best = index;
    }
    return best;
  });
  return { dtype: 'f32', shape, data };
}

const sample = (name: string, shape: readonly number[], axis = 1): Sample<ArgMaxAttrs> => ({
  name,
  inputs: [{ shape }],
  attrs: { axis },
});

export const argMax: Op<ArgMaxAttrs> = {
  name: 'argMax',
  summary: 'the index of the largest value along an axis',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    sample('ten classes', [3, 10]),
    sample('aligned classes', [5, 8]),
    sample('one class', [3, 1]),
    sample('many classes', [2, 1003]),
    sample('pixels', [2, 5, 3, 4]),
    sample('pixels of aligned classes', [1, 12, 6, 5]),
    { name: 'equal values', inputs: [{ shape: [3, 9, 2, 7], range: [0, 3], whole: true }], attrs: { axis: 1 } },
    { name: 'all negative', inputs: [{ shape: [4, 6], range: [-3, -2] }], attrs: { axis: 1 } },
  ],
};
