/** `oneHot`: a one in the channel that a label names, zeros elsewhere; a label that names no channel gives zeros. */
import type { Op, Sample } from '../ir/op.ts';
import { elementCount, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, expectInteger, expectRankAtLeast, operand } from './rules/expect.ts';
import { concreteShape } from './rules/storage.ts';

export type OneHotAttrs = { readonly classes: number };

const action = 'spread';

function infer(inputs: readonly TensorType[], { classes }: OneHotAttrs): TensorType {
  const labels = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRankAtLeast(labels, 1, action, '[N, ...]');
  expectInteger(classes, 1, 'classes');
  return { dtype: 'f32', shape: labels.shape.toSpliced(1, 0, classes) };
}

function evaluate(inputs: readonly Tensor[], attrs: OneHotAttrs): Tensor {
  const labels = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const plane = elementCount(labels.shape.slice(1));
  const data = new Float64Array(elementCount(shape));
  labels.data.forEach((label: number, at: number) => {
    if (!Number.isInteger(label) || label < 0 || label >= attrs.classes) return;
    data[(Math.floor(at / plane) * attrs.classes + label) * plane + (at % plane)] = 1;
  });
  return { dtype: 'f32', shape, data };
}

const sample = (
  name: string,
  shape: readonly number[],
  classes: number,
  range: readonly [number, number] = [0, classes - 1],
): Sample<OneHotAttrs> => ({ name, inputs: [{ shape, range, whole: true }], attrs: { classes } });

export const oneHot: Op<OneHotAttrs> = {
  name: 'oneHot',
  summary: 'a one in the channel that a label names',
  operands: ['labels'],
  infer,
  evaluate,
  samples: [
    sample('ten classes', [7], 10),
    sample('aligned classes', [5], 8),
    sample('one class', [3], 1),
    sample('left-out labels', [20], 3, [-2, 4]),
    sample('pixels', [2, 5, 7], 6),
    sample('wide', [1, 3, 37], 5),
    sample('pixels of which some are left out', [2, 3, 4], 4, [-1, 5]),
  ],
};
