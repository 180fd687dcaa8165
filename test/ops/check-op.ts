/** Checks that the tests of single ops share: PyTorch's recorded results, samples, symbolic batch, faults. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { evaluateDim, symbolicDim } from '../../compiler/ir/dim.ts';
import { OpError, type Attrs, type Op, type Sample, type SampleInput } from '../../compiler/ir/op.ts';
import { allocate } from '../../compiler/ir/tensor-literal.ts';
import { elementCount, formatType, type Tensor, type TensorType } from '../../compiler/ir/type.ts';

interface Recorded {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

interface GoldenCase<A extends Attrs> {
  readonly name: string;
  readonly attrs: A;
  readonly inputs: readonly Recorded[];
  readonly output: Recorded;
}

export const f32 = (shape: readonly number[], data: Iterable<number>): Tensor => ({
  dtype: 'f32',
  shape,
  data: Float64Array.from(data),
});

export const arange = (...shape: number[]): Tensor =>
  f32(
    shape,
    Array.from({ length: elementCount(shape) }, (_, index) => index),
  );

/** Small, repeatable values in [low, high). */
export function noise(
  shape: readonly number[],
  seed: number,
  [low, high]: readonly [number, number] = [-1, 1],
): Tensor {
  let state = (seed + 1) * 2654435761;
  const next = (): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return low + ((high - low) * state) / 2 ** 32;
  };
  return f32(shape, Array.from({ length: elementCount(shape) }, next));
}

/** Equal shapes, and elements within 1e-12 of each other, relative above one. */
export function expectTensor(actual: Tensor, expected: Recorded): void {
  expect(actual.shape).toEqual(expected.shape);
  expect(actual.data.length).toBe(expected.data.length);
  expected.data.forEach((value, index) => {
    const difference = Math.abs((actual.data[index] ?? Number.NaN) - value);
    expect(difference, `element ${index}`).toBeLessThanOrEqual(1e-12 * Math.max(1, Math.abs(value)));
  });
}

/** Registers one test a case of `golden/ops/<file>.json`, which `record.py` wrote. */
export function checkAgainstTorch<A extends Attrs>(op: Op<A>, file: string): void {
  const text = readFileSync(new URL(`../golden/ops/${file}.json`, import.meta.url), 'utf8');
  const cases = JSON.parse(text) as readonly GoldenCase<A>[];
  it.each(cases)('equals PyTorch: $name', ({ attrs, inputs, output }) => {
    const tensors = inputs.map(({ shape, data }) => f32(shape, data));
    expectTensor(op.evaluate(tensors, attrs), output);
  });
}

export const typesOf = (sample: Sample): TensorType[] =>
  sample.inputs.map(({ shape, dtype = 'f32' }) => ({ dtype, shape }));

/** Repeatable values of a sample's operand; whole numbers of its range where it holds integers. */
export function sampleTensor({ shape, range, dtype = 'f32' }: SampleInput, seed: number): Tensor {
  const values = noise(shape, seed, range);
  if (dtype === 'f32') return values;
  const data = allocate(dtype, values.data.length);
  data.set(values.data.map(Math.round));
  return { dtype, shape, data };
}

/** Registers one test a sample: it evaluates, without NaN, to the type that `infer` gives. */
export function checkSamples<A extends Attrs>(op: Op<A>): void {
  it('has samples of distinct names', () => {
    expect(op.samples.length).toBeGreaterThan(1);
    expect(new Set(op.samples.map(({ name }) => name)).size).toBe(op.samples.length);
  });
  it.each(op.samples)('infers what it evaluates to: $name', (sample) => {
    const tensors = sample.inputs.map(sampleTensor);
    const result = op.evaluate(tensors, sample.attrs);
    expect(op.infer(typesOf(sample), sample.attrs)).toEqual({ dtype: result.dtype, shape: result.shape });
    expect(result.data.length).toBe(elementCount(result.shape));
    expect(result.data.every(Number.isFinite)).toBe(true);
  });
}

const n = symbolicDim('N');

/** Registers a test that a symbolic batch passes through every sample that `keeps` lets by. */
export function checkSymbolicBatch<A extends Attrs>(
  op: Op<A>,
  keeps: (sample: Sample<A>) => boolean = () => true,
): void {
  const samples = op.samples.filter(keeps);
  it.each(samples)('infers with a symbolic batch: $name', (sample) => {
    const [batch = 1] = sample.inputs[0]?.shape ?? [];
    const types = typesOf(sample).map((given, index) =>
      sample.inputs[index]?.constant ? given : { ...given, shape: [n, ...given.shape.slice(1)] },
    );
    const symbolic = op.infer(types, sample.attrs);
    const concrete = op.infer(typesOf(sample), sample.attrs);
    const bound = symbolic.shape.map((dim) => evaluateDim(dim, { N: batch }));
    expect({ ...symbolic, shape: bound }).toEqual(concrete);
  });
}

/** A type from its text, as in `f32[N, 3, 2*H, 8]`. */
export function type(text: string): TensorType {
  const [, dtype, sizes] = /^(\w+)\[(.*)\]$/.exec(text) ?? [];
  const shape = (sizes ?? '').split(',').filter(Boolean).map(dimOf);
  const parsed = { dtype, shape } as TensorType;
  expect(formatType(parsed)).toBe(text);
  return parsed;
}

function dimOf(text: string) {
  const [, factor, symbol] = /^\s*(?:(\d+)\*)?([A-Z])\s*$/.exec(text) ?? [];
  if (symbol === undefined) return Number(text);
  return { terms: [{ coefficient: Number(factor ?? 1), symbols: [symbol] }] };
}

/** Asserts that `infer` refuses the operands with this code and message. */
export function expectFault<A extends Attrs>(
  op: Op<A>,
  operands: readonly string[],
  attrs: A,
  code: string,
  message: string,
): void {
  let fault: unknown;
  try {
    op.infer(operands.map(type), attrs);
  } catch (error) {
    fault = error;
  }
  expect(fault).toBeInstanceOf(OpError);
  expect({ code: (fault as OpError).code, message: (fault as OpError).message }).toEqual({ code, message });
}
