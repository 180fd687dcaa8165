/** `quantize`: f32 to i8 by one scale and zero point (the affine scheme of Jacob et al. 2018, TFLite and ONNX). */
import type { Op, Sample } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import { expectAtMost, expectFloat, operand } from './rules/expect.ts';
import { clampTo, expectI8, expectScale, roundHalfEven } from './rules/integer.ts';

export type QuantizeAttrs = {
  /** The step between two values, as a float32. */
  readonly scale: number;
  /** The i8 that stands for 0. */
  readonly zeroPoint: number;
};

const action = 'quantize';

function infer(inputs: readonly TensorType[], attrs: QuantizeAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectFloat(inputs, action);
  expectScale(attrs.scale, 'scale');
  expectI8(attrs.zeroPoint, 'zeroPoint');
  return { dtype: 'i8', shape: x.shape };
}

/** `clamp(round_half_even(f32(x * f32(1 / scale))) + zeroPoint, -128, 127)`; NaN has no meaning in i8. */
function evaluate(inputs: readonly Tensor[], attrs: QuantizeAttrs): Tensor {
  const { shape } = infer(inputs, attrs);
  const x = operand(inputs, 0, action);
  const inverse = Math.fround(1 / attrs.scale);
  const data = new Int8Array(x.data.length);
  for (let at = 0; at < data.length; at++) {
    const steps = roundHalfEven(Math.fround(Math.fround(x.data[at] ?? 0) * inverse));
    data[at] = clampTo(steps + attrs.zeroPoint, -128, 127);
  }
  return { dtype: 'i8', shape: shape.map(Number), data };
}

const sample = (name: string, shape: readonly number[], scale: number, zeroPoint: number): Sample<QuantizeAttrs> => ({
  name,
  inputs: [{ shape, range: [-2, 2] }],
  attrs: { scale: Math.fround(scale), zeroPoint },
});

export const quantize: Op<QuantizeAttrs> = {
  name: 'quantize',
  summary: 'clamp(round(x / scale) + zeroPoint, -128, 127) as i8',
  operands: ['x'],
  infer,
  evaluate,
  samples: [
    sample('map', [2, 8, 3, 4], 0.02, 0),
    sample('unaligned', [2, 5, 3, 4], 0.013, -128),
    sample('three channels', [1, 3, 9, 8], 0.0187, 5),
    sample('saturating', [1, 7, 4, 4], 0.004, 100),
    sample('ties', [1, 6, 5, 4], 0.5, 1),
    sample('matrix', [3, 7], 0.016, -3),
  ],
};
