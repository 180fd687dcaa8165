/** `logSoftmax`: `x - max - log(sum(exp(x - max)))` along an axis, exact where softmax would round to zero. */
import type { Op } from '../ir/op.ts';
import { stridesOf, type Tensor } from '../ir/type.ts';
import { operand } from './rules/expect.ts';
import { float64Of, offsetsOf } from './rules/storage.ts';
import { softmax, type SoftmaxAttrs } from './softmax.ts';

function evaluate(inputs: readonly Tensor[], attrs: SoftmaxAttrs): Tensor {
  softmax.infer(inputs, attrs);
  const x = operand(inputs, 0, 'normalise');
  const strides = stridesOf(x.shape);
  const [size, step] = [x.shape[attrs.axis] ?? 1, strides[attrs.axis] ?? 1];
  const source = float64Of(x);
  const data = new Float64Array(source.length);
  for (const start of offsetsOf(x.shape.with(attrs.axis, 1), strides)) {
    const end = start + size * step;
    let largest = -Infinity;
    for (let at = start; at < end; at += step) largest = Math.max(largest, source[at] ?? 0);
    let sum = 0;
    for (let at = start; at < end; at += step) sum += Math.exp((source[at] ?? 0) - largest);
    for (let at = start; at < end; at += step) data[at] = (source[at] ?? 0) - largest - Math.log(sum);
  }
  return { dtype: 'f32', shape: x.shape, data };
}

export const logSoftmax: Op<SoftmaxAttrs> = {
  name: 'logSoftmax',
  summary: 'logarithms of softmax along an axis',
  operands: ['x'],
  infer: (inputs, attrs) => softmax.infer(inputs, attrs),
  evaluate,
  samples: softmax.samples,
};
