/** `quantizedMul`: the product of two i8 values, or of a map and a gate `[N, C, 1, 1]`. */
import { shapesEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, operand } from './rules/expect.ts';
import { clampTo, expectClamp, expectI8, expectScale, expectType, rescale, type Clamp } from './rules/integer.ts';

/**
 * `q = clamp(round_half_even(f32(f32((a - aZero) * (b - bZero)) * multiplier)) + outputZero, min, max)`; the product
 * of the integers is below 2^16, hence exact in f32.
 */
export type QuantizedMulAttrs = Clamp & {
  readonly aZero: number;
  readonly bZero: number;
  /** Scale of a times scale of b, divided by the scale of the result, as a float32. */
  readonly multiplier: number;
};

const action = 'multiply';

function infer(inputs: readonly TensorType[], attrs: QuantizedMulAttrs): TensorType {
  const [a, b] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  expectAtMost(inputs, 2, action);
  expectType(a, 'i8', action, 0);
  expectType(b, 'i8', action, 1);
  const gate = [...a.shape.slice(0, 2), 1, 1];
  const fits = shapesEqual(a.shape, b.shape) || (a.shape.length === 4 && shapesEqual(gate, b.shape));
  if (!fits) {
    const help = 'the second must be as the first, or [N, C, 1, 1]';
    throw new OpError('E0305', `cannot multiply ${formatType(a)} and ${formatType(b)}`, { input: 1, help });
  }
  expectI8(attrs.aZero, 'aZero');
  expectI8(attrs.bZero, 'bZero');
  expectScale(attrs.multiplier, 'multiplier');
  expectClamp(attrs);
  return a;
}

function evaluate(inputs: readonly Tensor[], attrs: QuantizedMulAttrs): Tensor {
  const { shape } = infer(inputs, attrs);
  const [a, b] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  // Both are planes of equal size, or b has one value a plane.
  const share = elementCount(a.shape) / elementCount(b.shape);
  const data = new Int8Array(a.data.length);
  for (let at = 0; at < data.length; at++) {
    const gate = b.data[Math.floor(at / share)] ?? 0;
    const product = ((a.data[at] ?? 0) - attrs.aZero) * (gate - attrs.bZero);
    data[at] = clampTo(rescale(product, attrs.multiplier) + attrs.outputZero, attrs.min, attrs.max);
  }
  return { dtype: 'i8', shape: shape.map(Number), data };
}

function sample(
  name: string,
  a: readonly number[],
  b: readonly number[],
  attrs: Partial<QuantizedMulAttrs> = {},
): Sample<QuantizedMulAttrs> {
  const value = (shape: readonly number[]) => ({ shape, dtype: 'i8', range: [-128, 127] }) as const;
  const plain = { aZero: -20, bZero: -128, multiplier: Math.fround(0.0041), outputZero: -11, min: -128, max: 127 };
  return { name, inputs: [value(a), value(b)], attrs: { ...plain, ...attrs } };
}

export const quantizedMul: Op<QuantizedMulAttrs> = {
  name: 'quantizedMul',
  summary: 'the product of two i8 values, or of a map and a gate',
  operands: ['a', 'b'],
  infer,
  evaluate,
  samples: [
    sample('map', [2, 8, 3, 4], [2, 8, 3, 4]),
    sample('unaligned', [2, 5, 3, 4], [2, 5, 3, 4]),
    sample('gate', [2, 8, 5, 4], [2, 8, 1, 1]),
    sample('gate unaligned', [2, 6, 3, 5], [2, 6, 1, 1], { bZero: 3 }),
    sample('clamped', [1, 6, 4, 3], [1, 6, 1, 1], { min: -11, max: 90 }),
    sample('matrix', [3, 7], [3, 7]),
  ],
};
