/** `where`: a where the condition is positive, b elsewhere, with numpy broadcasting of all three. */
import type { Op, Sample } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import { broadcastMap, broadcastTypes } from './broadcast.ts';
import type { NoAttrs } from './elementwise.ts';
import { expectAtMost, operand } from './rules/expect.ts';

const action = 'choose between';

function infer(inputs: readonly TensorType[]): TensorType {
  const [condition, a, b] = [operand(inputs, 0, action), operand(inputs, 1, action), operand(inputs, 2, action)];
  expectAtMost(inputs, 3, action);
  return broadcastTypes(action, condition, broadcastTypes(action, a, b));
}

/** A NaN condition is not positive. */
function evaluate(inputs: readonly Tensor[]): Tensor {
  const [condition, a, b] = [operand(inputs, 0, action), operand(inputs, 1, action), operand(inputs, 2, action)];
  // Each operand stretched to the result, so that one loop reads all three.
  const zeros = broadcastMap(
    () => 0,
    condition,
    broadcastMap(() => 0, a, b),
  );
  const stretch = (x: Tensor): Tensor => broadcastMap((value) => value, x, zeros);
  const [test, yes, no] = [stretch(condition), stretch(a), stretch(b)];
  const data = Float64Array.from(test.data, (value, at) => Number((value > 0 ? yes : no).data[at]));
  return { dtype: 'f32', shape: zeros.shape, data };
}

const sample = (name: string, ...shapes: readonly (readonly number[])[]): Sample<NoAttrs> => ({
  name,
  inputs: shapes.map((shape) => ({ shape })),
  attrs: {},
});

export const where: Op<NoAttrs> = {
  name: 'where',
  summary: 'a where condition > 0, b elsewhere',
  operands: ['condition', 'a', 'b'],
  infer,
  evaluate,
  scalar: ([condition = '', a = '', b = '']) => `select(${b}, ${a}, ${condition} > vec4f())`,
  traits: { keepsZero: 'of choices', isCheap: true },
  samples: [
    sample('same', [2, 5, 3, 4], [2, 5, 3, 4], [2, 5, 3, 4]),
    sample('condition a channel', [1, 6, 1, 1], [2, 6, 3, 4], [2, 6, 3, 4]),
    sample('condition a pixel', [2, 1, 3, 4], [2, 5, 3, 4], [1, 5, 1, 1]),
    sample('scalar values', [2, 6, 3, 4], [1, 1, 1, 1], [2, 6, 1, 1]),
    sample('all stretched', [2, 1, 1, 3], [1, 5, 1, 1], [1, 1, 4, 1]),
    sample('matrix', [3, 7], [7], [3, 1]),
  ],
};
