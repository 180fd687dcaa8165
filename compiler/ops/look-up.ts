/** `lookUp`: a table of 256 entries on i8, which is any function of one quantized value. */
import type { Op, Sample } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import { expectAtMost, operand } from './rules/expect.ts';
import { expectList, expectType, lookUpIn } from './rules/integer.ts';

export type LookUpAttrs = {
  /** `i8[256]`: the result for `q` is entry `q + 128`. */
  readonly table: Tensor;
};

const action = 'look up';

function infer(inputs: readonly TensorType[], attrs: LookUpAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectType(x, 'i8', action, 0);
  expectList(attrs.table, 'i8', 256, 'table');
  return x;
}

function evaluate(inputs: readonly Tensor[], attrs: LookUpAttrs): Tensor {
  const { shape } = infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const data = new Int8Array(x.data.length);
  for (let at = 0; at < data.length; at++) data[at] = lookUpIn(attrs.table, x.data[at] ?? 0);
  return { dtype: 'i8', shape: shape.map(Number), data };
}

const tableOf = (f: (q: number) => number): Tensor => ({
  dtype: 'i8',
  shape: [256],
  data: Int8Array.from({ length: 256 }, (_, index) => f(index - 128)),
});

const sample = (name: string, shape: readonly number[], f: (q: number) => number): Sample<LookUpAttrs> => ({
  name,
  inputs: [{ shape, dtype: 'i8', range: [-128, 127] }],
  attrs: { table: tableOf(f) },
});

export const lookUp: Op<LookUpAttrs> = {
  name: 'lookUp',
  summary: 'entry q + 128 of a table of 256 i8',
  operands: ['q'],
  infer,
  evaluate,
  samples: [
    sample('negated', [2, 8, 3, 4], (q) => -1 - q),
    sample('unaligned', [2, 5, 3, 4], (q) => Math.round(127 * Math.tanh(q / 40))),
    sample('gate', [2, 7, 1, 1], (q) => Math.round(255 / (1 + Math.exp(-q / 30)) - 128)),
    sample('matrix', [3, 7], (q) => (q * 37) & 127),
  ],
};
