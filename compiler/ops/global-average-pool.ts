/** `globalAveragePool`: the mean of each channel's plane, `[N, C, H, W]` to `[N, C, 1, 1]`. */
import type { Op } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import type { NoAttrs } from './elementwise.ts';
import { expectAtMost, expectFloat, expectRank, operand } from './rules/expect.ts';
import { float64Of } from './rules/storage.ts';

export type GlobalAveragePoolAttrs = NoAttrs;

const action = 'average';

function infer(inputs: readonly TensorType[]): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectRank(x, 4, action, '[N, C, H, W]');
  return { dtype: 'f32', shape: [...x.shape.slice(0, 2), 1, 1] };
}

function evaluate(inputs: readonly Tensor[]): Tensor {
  infer(inputs);
  const x = operand(inputs, 0, action);
  const [batch = 1, channels = 1, height = 1, width = 1] = x.shape;
  const source = float64Of(x);
  const data = new Float64Array(batch * channels);
  for (let plane = 0, at = 0; plane < data.length; plane++) {
    let sum = 0;
    for (const end = at + height * width; at < end; at++) sum += source[at] ?? 0;
    data[plane] = sum / (height * width);
  }
  return { dtype: 'f32', shape: [batch, channels, 1, 1], data };
}

const shapes = {
  aligned: [2, 8, 4, 4],
  unaligned: [2, 6, 3, 5],
  'one channel': [1, 1, 7, 6],
  'three channels': [2, 3, 5, 5],
  'one cell': [3, 9, 1, 1],
  'large plane': [1, 5, 31, 33],
  'many channels': [1, 130, 7, 7],
} as const;

export const globalAveragePool: Op<GlobalAveragePoolAttrs> = {
  name: 'globalAveragePool',
  summary: 'the mean of each channel, as [N, C, 1, 1]',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'pool', isHomogeneous: true },
  samples: Object.entries(shapes).map(([name, shape]) => ({ name, inputs: [{ shape }], attrs: {} })),
};
