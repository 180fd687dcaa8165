/** `quantizedAdd`: the sum of two i8 values of different scales, in integers alone. */
import { shapesEqual } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectInteger, operand } from './rules/expect.ts';
import { clampTo, expectClamp, expectI8, expectType, type Clamp } from './rules/integer.ts';

/**
 *     u = (a - aZero) * aMultiplier + (b - bZero) * bMultiplier + 2^(shift - 1)
 *     q = clamp((u >> shift) + outputZero, min, max)
 *
 * The multipliers are the scales of a and b in units of `2^-shift` of the result's scale, at most 2^21 in size, so
 * that u fits i32. There is no f32 product: two of them and a sum could be contracted on one device and not on another.
 */
export type QuantizedAddAttrs = Clamp & {
  readonly aZero: number;
  readonly bZero: number;
  readonly aMultiplier: number;
  readonly bMultiplier: number;
  /** 1 to 16. */
  readonly shift: number;
};

const action = 'add';

function expectMultiplier(value: number, name: string): void {
  if (Number.isInteger(value) && Math.abs(value) <= 2 ** 21) return;
  throw new OpError('E0310', `${name} must be an integer of at most 2^21, not ${String(value)}`);
}

function infer(inputs: readonly TensorType[], attrs: QuantizedAddAttrs): TensorType {
  const [a, b] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  expectAtMost(inputs, 2, action);
  expectType(a, 'i8', action, 0);
  expectType(b, 'i8', action, 1);
  if (!shapesEqual(a.shape, b.shape)) {
    throw new OpError('E0305', `cannot add ${formatType(a)} and ${formatType(b)}: they differ`, { input: 1 });
  }
  expectI8(attrs.aZero, 'aZero');
  expectI8(attrs.bZero, 'bZero');
  expectMultiplier(attrs.aMultiplier, 'aMultiplier');
  expectMultiplier(attrs.bMultiplier, 'bMultiplier');
  expectInteger(attrs.shift, 1, 'shift');
  if (attrs.shift > 16) throw new OpError('E0310', `shift must be at most 16, not ${attrs.shift}`);
  expectClamp(attrs);
  return a;
}

function evaluate(inputs: readonly Tensor[], attrs: QuantizedAddAttrs): Tensor {
  const { shape } = infer(inputs, attrs);
  const [a, b] = [operand(inputs, 0, action), operand(inputs, 1, action)];
  const half = 2 ** (attrs.shift - 1);
  const data = new Int8Array(a.data.length);
  for (let at = 0; at < data.length; at++) {
    const left = ((a.data[at] ?? 0) - attrs.aZero) * attrs.aMultiplier;
    const right = ((b.data[at] ?? 0) - attrs.bZero) * attrs.bMultiplier;
    data[at] = clampTo(((left + right + half) >> attrs.shift) + attrs.outputZero, attrs.min, attrs.max);
  }
  return { dtype: 'i8', shape: shape.map(Number), data };
}

function sample(
  name: string,
  shape: readonly number[],
  attrs: Partial<QuantizedAddAttrs> = {},
): Sample<QuantizedAddAttrs> {
  const value = { shape, dtype: 'i8', range: [-128, 127] } as const;
  const plain = { aZero: -128, bZero: 4, aMultiplier: 41_000, bMultiplier: 30_001, shift: 16 };
  return { name, inputs: [value, value], attrs: { ...plain, outputZero: -60, min: -128, max: 127, ...attrs } };
}

export const quantizedAdd: Op<QuantizedAddAttrs> = {
  name: 'quantizedAdd',
  summary: 'the sum of two i8 values of different scales',
  operands: ['a', 'b'],
  infer,
  evaluate,
  samples: [
    sample('map', [2, 8, 3, 4]),
    sample('unaligned', [2, 5, 3, 4]),
    sample('relu', [1, 12, 5, 5], { outputZero: -128 }),
    sample('clamped', [1, 6, 4, 3], { min: -60, max: 40 }),
    sample('difference', [1, 7, 3, 3], { bMultiplier: -52_000, outputZero: 0 }),
    sample('low shift', [1, 8, 4, 4], { aMultiplier: 2_000_000, bMultiplier: 1, shift: 12 }),
    sample('matrix', [3, 7]),
  ],
};
