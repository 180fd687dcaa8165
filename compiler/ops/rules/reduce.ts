/** What the reductions share: attributes, shape rule, the walk over the reduced axes, and samples. */
import type { Op, Sample } from '../../ir/op.ts';
import { stridesOf, type Tensor, type TensorType } from '../../ir/type.ts';
import { expectAtMost, expectAxes, expectFloat, operand } from './expect.ts';
import { concreteShape, float64Of, offsetsOf } from './storage.ts';

export type ReduceAttrs = {
  readonly axes: readonly number[];
  /** Whether the reduced axes stay, with size 1. */
  readonly keepDims: boolean;
};

function inferReduce(inputs: readonly TensorType[], attrs: ReduceAttrs): TensorType {
  const x = operand(inputs, 0, 'reduce');
  expectAtMost(inputs, 1, 'reduce');
  expectFloat(inputs, 'reduce');
  expectAxes(x, attrs.axes, 'reduce');
  const shape = attrs.keepDims
    ? x.shape.map((size, axis) => (attrs.axes.includes(axis) ? 1 : size))
    : x.shape.filter((_, axis) => !attrs.axes.includes(axis));
  return { dtype: 'f32', shape };
}

export interface Reduction {
  readonly name: string;
  readonly summary: string;
  readonly initial: number;
  readonly combine: (sum: number, value: number) => number;
  /** Turns the combination of `count` elements into the result. */
  readonly finish?: (sum: number, count: number) => number;
}

function evaluateReduce(inputs: readonly Tensor[], attrs: ReduceAttrs, reduction: Reduction): Tensor {
  const x = operand(inputs, 0, 'reduce');
  const shape = concreteShape(inferReduce(inputs, attrs));
  const strides = stridesOf(x.shape);
  const isReduced = (axis: number): boolean => attrs.axes.includes(axis);
  const kept = x.shape.map((size, axis) => (isReduced(axis) ? 1 : size));
  const reduced = x.shape.map((size, axis) => (isReduced(axis) ? size : 1));
  const starts = offsetsOf(kept, strides);
  const offsets = offsetsOf(reduced, strides);
  const source = float64Of(x);
  const { initial, combine, finish } = reduction;
  const data = new Float64Array(starts.length);
  for (let index = 0; index < data.length; index++) {
    const start = starts[index] ?? 0;
    let value = initial;
    for (let at = 0; at < offsets.length; at++) value = combine(value, source[start + (offsets[at] ?? 0)] ?? 0);
    data[index] = finish ? finish(value, offsets.length) : value;
  }
  return { dtype: 'f32', shape, data };
}

const sample = (
  name: string,
  shape: readonly number[],
  axes: readonly number[],
  keepDims: boolean,
): Sample<ReduceAttrs> => ({ name, inputs: [{ shape }], attrs: { axes, keepDims } });

const samples: readonly Sample<ReduceAttrs>[] = [
  sample('channels kept', [2, 8, 3, 4], [1], true),
  sample('unaligned channels kept', [2, 6, 3, 4], [1], true),
  sample('unaligned channels', [2, 7, 3, 4], [1], false),
  sample('planes kept', [2, 6, 5, 3], [2, 3], true),
  sample('planes', [2, 5, 3, 4], [2, 3], false),
  sample('everything kept', [2, 3, 4, 5], [0, 1, 2, 3], true),
  sample('everything', [2, 3, 4, 5], [0, 1, 2, 3], false),
  sample('image', [2, 5, 3, 3], [1, 2, 3], false),
  sample('batch kept', [3, 6, 2, 2], [0], true),
  sample('batch', [3, 5, 2, 2], [0], false),
  sample('height', [1, 5, 4, 3], [2], false),
  sample('width kept', [1, 3, 4, 5], [3], true),
  sample('channels and width', [2, 6, 3, 5], [3, 1], false),
  sample('one channel', [1, 1, 4, 4], [1], false),
  sample('matrix', [3, 11], [1], false),
  sample('matrix kept', [3, 10], [1], true),
  sample('rank 3', [2, 5, 6], [1], false),
];

/** An op that folds the given axes of one f32 operand. */
export function reduceOp(reduction: Reduction): Op<ReduceAttrs> {
  return {
    name: reduction.name,
    summary: reduction.summary,
    operands: ['x'],
    infer: inferReduce,
    evaluate: (inputs, attrs) => evaluateReduce(inputs, attrs, reduction),
    traits: { kind: 'pool' },
    samples,
  };
}
