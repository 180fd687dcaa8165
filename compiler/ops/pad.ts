/** `pad`: a constant in front of and behind each axis. */
import { addDims } from '../ir/dim.ts';
import { OpError, type Op, type Sample } from '../ir/op.ts';
import { elementCount, stridesOf, type DType, type Tensor, type TensorType } from '../ir/type.ts';
import { expectAtMost, expectIntegers, operand } from './rules/expect.ts';
import { allocate, concreteShape, scatter } from './rules/storage.ts';

export type PadAttrs = {
  /** Elements in front, one number an axis. */
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly value: number;
};

const action = 'pad';

const integerRange: Readonly<Record<Exclude<DType, 'f32'>, readonly [number, number]>> = {
  i32: [-(2 ** 31), 2 ** 31 - 1],
  i8: [-128, 127],
  u8: [0, 255],
};

function checkValue(dtype: DType, value: number): void {
  if (dtype === 'f32' && typeof value === 'number') return;
  const [least, most] = dtype === 'f32' ? [0, 0] : integerRange[dtype];
  if (Number.isInteger(value) && value >= least && value <= most) return;
  throw new OpError('E0310', `the value ${String(value)} cannot be held as ${dtype}`);
}

function infer(inputs: readonly TensorType[], attrs: PadAttrs): TensorType {
  const x = operand(inputs, 0, action);
  expectAtMost(inputs, 1, action);
  expectIntegers(attrs.before, x.shape.length, 0, 'before');
  expectIntegers(attrs.after, x.shape.length, 0, 'after');
  checkValue(x.dtype, attrs.value);
  const shape = x.shape.map((size, axis) => addDims(size, (attrs.before[axis] ?? 0) + (attrs.after[axis] ?? 0)));
  return { dtype: x.dtype, shape };
}

function evaluate(inputs: readonly Tensor[], attrs: PadAttrs): Tensor {
  const x = operand(inputs, 0, action);
  const shape = concreteShape(infer(inputs, attrs));
  const strides = stridesOf(shape);
  const data = allocate(x.dtype, elementCount(shape)).fill(attrs.value);
  const start = strides.reduce((sum, stride, axis) => sum + stride * (attrs.before[axis] ?? 0), 0);
  scatter(x, data, strides, start);
  return { dtype: x.dtype, shape, data };
}

const sample = (
  name: string,
  shape: readonly number[],
  before: readonly number[],
  after: readonly number[],
  value = 0,
): Sample<PadAttrs> => ({ name, inputs: [{ shape }], attrs: { before, after, value } });

export const pad: Op<PadAttrs> = {
  name: 'pad',
  summary: 'a constant in front of and behind each axis',
  operands: ['x'],
  infer,
  evaluate,
  traits: { kind: 'move', isMovement: true },
  samples: [
    sample('planes', [2, 4, 3, 3], [0, 0, 1, 1], [0, 0, 1, 1]),
    sample('planes asymmetric', [1, 5, 3, 4], [0, 0, 0, 2], [0, 0, 3, 1]),
    sample('planes with a value', [1, 6, 3, 3], [0, 0, 2, 1], [0, 0, 1, 2], -1.5),
    sample('aligned channels', [2, 8, 3, 3], [0, 4, 0, 0], [0, 4, 0, 0]),
    sample('unaligned channels', [2, 6, 3, 3], [0, 3, 0, 0], [0, 3, 0, 0]),
    sample('channels in front with a value', [1, 5, 2, 3], [0, 2, 0, 0], [0, 0, 0, 0], 0.75),
    sample('channels behind', [1, 3, 4, 4], [0, 0, 0, 0], [0, 1, 0, 0]),
    sample('batch', [1, 3, 2, 2], [1, 0, 0, 0], [2, 0, 0, 0], 2),
    sample('nothing', [1, 5, 3, 3], [0, 0, 0, 0], [0, 0, 0, 0]),
    sample('matrix', [3, 5], [0, 1], [0, 2]),
  ],
};
