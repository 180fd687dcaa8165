/** `fakeQuantize`: what int8 leaves of a value, in f32 (Jacob et al. 2018), as torch.fake_quantize_per_tensor_affine. */
import type { Op, Sample } from '../ir/op.ts';
import type { Tensor, TensorType } from '../ir/type.ts';
import { broadcastMap, broadcastTypes } from './broadcast.ts';
import { wgslFloat } from './elementwise.ts';
import { expectAtMost, operand } from './rules/expect.ts';
import { clampTo, expectI8, roundHalfEven } from './rules/integer.ts';
import { keepNaN } from './rules/not-finite.ts';

/** The least and the greatest step of the integer type that is imitated. */
export type FakeQuantizeAttrs = { readonly min: number; readonly max: number };

const action = 'fake-quantize';

function infer(inputs: readonly TensorType[], { min, max }: FakeQuantizeAttrs): TensorType {
  const [x, scale, zeroPoint] = [operand(inputs, 0, action), operand(inputs, 1, action), operand(inputs, 2, action)];
  expectAtMost(inputs, 3, action);
  expectI8(min, 'min');
  expectI8(max, 'max');
  return broadcastTypes(action, broadcastTypes(action, x, scale), zeroPoint);
}

/**
 * `(clamp(round_half_even(x / scale) + zeroPoint, min, max) - zeroPoint) * scale`, with the quotient rounded to f32 as
 * `quantize` rounds it, so that both choose the same step.
 */
function evaluate(inputs: readonly Tensor[], { min, max }: FakeQuantizeAttrs): Tensor {
  const [x, scale, zeroPoint] = [operand(inputs, 0, action), operand(inputs, 1, action), operand(inputs, 2, action)];
  const steps = broadcastMap(
    (value, step) => roundHalfEven(Math.fround(Math.fround(value) * Math.fround(1 / step))),
    x,
    scale,
  );
  const shifted = broadcastMap((step, zero) => clampTo(step + zero, min, max) - zero, steps, zeroPoint);
  return broadcastMap((step, size) => step * size, shifted, scale);
}

/** Whole numbers over thirds and halves: quotients are ties or far from one, in every precision. */
const sample = (
  name: string,
  shape: readonly number[],
  scale: readonly number[],
  zeroPoint: readonly number[],
): Sample<FakeQuantizeAttrs> => ({
  name,
  inputs: [
    { shape, range: [-40, 40], whole: true },
    { shape: scale, range: [1, 3], whole: true },
    { shape: zeroPoint, range: [-3, 3], whole: true },
  ],
  attrs: { min: -12, max: 12 },
});

export const fakeQuantize: Op<FakeQuantizeAttrs> = {
  name: 'fakeQuantize',
  summary: '(clamp(round(x / scale) + zeroPoint, min, max) - zeroPoint) * scale',
  operands: ['x', 'scale', 'zeroPoint'],
  infer,
  evaluate,
  scalar: ([x = '', scale = '', zero = ''], { min, max }) => {
    const steps = `round(${x} * (1.0 / ${scale})) + ${zero}`;
    const limits = `vec4f(${wgslFloat(min)}), vec4f(${wgslFloat(max)})`;
    // Of a NaN, so that a training sees it.
    return keepNaN(`((clamp(${steps}, ${limits}) - ${zero}) * ${scale})`, x);
  },
  traits: { isUnbounded: true },
  samples: [
    sample('tensor', [2, 5, 3, 4], [1, 1, 1, 1], [1, 1, 1, 1]),
    sample('channel', [2, 6, 3, 4], [1, 6, 1, 1], [1, 6, 1, 1]),
    sample('odd channels', [2, 5, 3, 4], [1, 5, 1, 1], [1, 1, 1, 1]),
    sample('weight', [6, 3, 3, 3], [6, 1, 1, 1], [1, 1, 1, 1]),
    sample('matrix', [5, 7], [5, 1], [1, 1]),
  ],
};
