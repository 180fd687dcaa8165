/** `dequantize`: i8 back to f32, `(q - zeroPoint) * scale`. */
import type { Op, Sample } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import { expectAtMost, operand } from './rules/expect.ts';
import { expectI8, expectScale, expectType } from './rules/integer.ts';
import type { QuantizeAttrs } from './quantize.ts';

export type DequantizeAttrs = QuantizeAttrs;

const action = 'dequantize';

function infer(inputs: readonly TensorType[], attrs: DequantizeAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectType(x, 'i8', action, 0);
  expectScale(attrs.scale, 'scale');
  expectI8(attrs.zeroPoint, 'zeroPoint');
  return { dtype: 'f32', shape: x.shape };
}

/** `f32(f32(q - zeroPoint) * scale)`: one f32 product. */
function evaluate(inputs: readonly Tensor[], attrs: DequantizeAttrs): Tensor {
  const { shape } = infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const data = new Float64Array(x.data.length);
  for (let at = 0; at < data.length; at++) {
    data[at] = Math.fround(((x.data[at] ?? 0) - attrs.zeroPoint) * attrs.scale);
  }
  return { dtype: 'f32', shape: shape.map(Number), data };
}

const sample = (name: string, shape: readonly number[], scale: number, zeroPoint: number): Sample<DequantizeAttrs> => ({
  name,
  inputs: [{ shape, dtype: 'i8', range: [-128, 127] }],
  attrs: { scale: Math.fround(scale), zeroPoint },
});

export const dequantize: Op<DequantizeAttrs> = {
  name: 'dequantize',
  summary: '(q - zeroPoint) * scale as f32',
  operands: ['q'],
  infer,
  evaluate,
  samples: [
    sample('map', [2, 8, 3, 4], 0.02, 0),
    sample('unaligned', [2, 5, 3, 4], 0.013, -128),
    sample('three channels', [1, 3, 9, 8], 0.0187, 5),
    sample('matrix', [3, 7], 0.016, 127),
  ],
};
