/** Checks that shape rules share; each throws an OpError whose message starts from what the op was to do. */
import { dimsEqual, formatDim, type Dim } from '../../ir/dim.ts';
import { OpError } from '../../ir/op.ts';
import { formatType, type TensorType } from '../../ir/type.ts';

/** `[vertical, horizontal]`. */
export type Pair = readonly [number, number];

/** `[top, left, bottom, right]`. */
export type Pads = readonly [number, number, number, number];

/** The input at an index. Throws E0314 where there are too few to do `action`. */
export function operand<T>(inputs: readonly T[], index: number, action: string): T {
  const input = inputs[index];
  if (input === undefined) throw new OpError('E0314', `cannot ${action}: operand ${index + 1} is missing`);
  return input;
}

export function expectAtMost(inputs: readonly unknown[], most: number, action: string): void {
  if (inputs.length <= most) return;
  throw new OpError('E0314', `cannot ${action} ${inputs.length} operands: at most ${most} can be taken`);
}

export function expectRank(type: TensorType, rank: number, action: string, layout: string, input = 0): void {
  if (type.shape.length === rank) return;
  const message = `cannot ${action} ${formatType(type)}: its rank is ${type.shape.length}, not ${rank}`;
  throw new OpError('E0301', message, { help: `the shape must be ${layout}`, input });
}

export function expectRankAtLeast(type: TensorType, rank: number, action: string, layout: string, input = 0): void {
  if (type.shape.length >= rank) return;
  const message = `cannot ${action} ${formatType(type)}: its rank is ${type.shape.length}, less than ${rank}`;
  throw new OpError('E0301', message, { help: `the shape must be ${layout}`, input });
}

export function expectFloat(types: readonly TensorType[], action: string): void {
  types.forEach((type, input) => {
    if (type.dtype === 'f32') return;
    throw new OpError('E0302', `cannot ${action} ${formatType(type)}: the elements must be f32`, { input });
  });
}

export function expectAxis(type: TensorType, axis: number, action: string): void {
  const rank = type.shape.length;
  if (Number.isInteger(axis) && axis >= 0 && axis < rank) return;
  const help = rank === 0 ? 'a scalar has no axes' : `the axes are 0 to ${rank - 1}`;
  throw new OpError('E0307', `cannot ${action} ${formatType(type)}: it has no axis ${axis}`, { help });
}

/** A list of distinct axes, at least one. */
export function expectAxes(type: TensorType, axes: readonly number[], action: string): void {
  if (!Array.isArray(axes) || axes.length === 0) {
    throw new OpError('E0310', `cannot ${action} ${formatType(type)}: no axis is given`);
  }
  for (const axis of axes) expectAxis(type, axis, action);
  if (new Set(axes).size === axes.length) return;
  throw new OpError('E0310', `cannot ${action} ${formatType(type)}: an axis is named twice in [${axes.join(', ')}]`);
}

export function expectInteger(value: number, least: number, name: string): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new OpError('E0310', `${name} must be an integer of at least ${least}, not ${String(value)}`);
}

export function expectIntegers(values: readonly number[], count: number, least: number, name: string): void {
  if (!Array.isArray(values) || values.length !== count) {
    throw new OpError('E0310', `${name} must be a list of ${count} integers`);
  }
  for (const value of values) expectInteger(value, least, name);
}

/** A list with one value a channel of `x`, as biases and batch-norm parameters are. */
export function expectChannels(values: TensorType, channels: Dim, name: string, input: number): void {
  const [size] = values.shape;
  const type = formatType(values);
  if (size === undefined || values.shape.length !== 1) {
    throw new OpError('E0301', `the ${name} ${type} has rank ${values.shape.length}, not 1`, { input });
  }
  if (dimsEqual(size, channels)) return;
  const help = `the ${name} must be ${values.dtype}[${formatDim(channels)}]`;
  throw new OpError('E0303', `the ${name} ${type} does not fit ${formatDim(channels)} channels`, { help, input });
}
