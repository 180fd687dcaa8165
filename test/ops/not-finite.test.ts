/** What PyTorch 1.13 gives for NaN, infinities and values at which a careless formula overflows, op by op. */
import { describe, expect, it } from 'vitest';
import { evaluateNode } from '../../compiler/ir/evaluate.ts';
import { makeNode } from '../../compiler/ir/node.ts';
import { input, ops } from '../../compiler/ops/index.ts';
import type { Tensor } from '../../compiler/ir/type.ts';

const [nan, inf] = [Number.NaN, Infinity];

function evaluate(name: string, attrs: Readonly<Record<string, unknown>>, ...operands: readonly Tensor[]): number[] {
  const op = ops.get(name);
  if (!op) throw new Error(`no op ${name}`);
  const leaves = operands.map(({ shape }, index) =>
    makeNode(input, [], { name: `x${index}`, index, dtype: 'f32', shape: [...shape] }),
  );
  const { data } = evaluateNode(makeNode(op, leaves, attrs as never), operands);
  // -0 and 0 are one value here.
  return Array.from(data, (value) => (value === 0 ? 0 : value));
}

const vector = (...values: readonly number[]): Tensor => ({
  dtype: 'f32',
  shape: [values.length],
  data: Float64Array.from(values),
});
const plane = (values: readonly number[], width: number): Tensor => ({
  dtype: 'f32',
  shape: [1, 1, values.length / width, width],
  data: Float64Array.from(values),
});

/** The operand of every row below, and torch.nn.functional's value there. */
const x = [nan, inf, -inf, 1e5, -1e5];
const unary: Readonly<Record<string, readonly [readonly number[], Readonly<Record<string, number>>?]>> = {
  relu: [[nan, inf, 0, 1e5, 0]],
  relu6: [[nan, 6, 0, 6, 0]],
  clip: [[nan, 2, -1, 2, -1], { min: -1, max: 2 }],
  hardSigmoid: [[nan, 1, 0, 1, 0]],
  hardSwish: [[nan, inf, nan, 1e5, 0]],
  leakyRelu: [[nan, inf, -inf, 1e5, -1e3], { alpha: 0.01 }],
  elu: [[nan, inf, -1, 1e5, -1], { alpha: 1 }],
  sigmoid: [[nan, 1, 0, 1, 0]],
  tanh: [[nan, 1, -1, 1, -1]],
  silu: [[nan, inf, nan, 1e5, 0]],
  mish: [[nan, inf, nan, 1e5, 0]],
  gelu: [[nan, inf, nan, 1e5, 0]],
  geluGrad: [[nan, nan, nan, 1, 0]],
  softplus: [[nan, inf, 0, 1e5, 0]],
  exp: [[nan, inf, 0, inf, 0]],
  log: [[nan, inf, nan, Math.log(1e5), nan]],
  sqrt: [[nan, inf, nan, Math.sqrt(1e5), nan]],
  rsqrt: [[nan, 0, nan, 1 / Math.sqrt(1e5), nan]],
  abs: [[nan, inf, inf, 1e5, 1e5]],
  neg: [[nan, -inf, inf, -1e5, 1e5]],
  sign: [[0, 1, -1, 1, -1]],
};

describe('ops of one operand', () => {
  it.each(Object.entries(unary))('%s', (name, [values, attrs = {}]) => {
    expect(evaluate(name, attrs, vector(...x))).toEqual(
      values.map((value) => (Number.isFinite(value) ? expect.closeTo(value, 5) : value)),
    );
  });

  it.each([
    ['clip without an upper bound', { min: 0, max: inf }, [nan, inf, 0, 1e5, 0]],
    ['clip without a lower bound', { min: -inf, max: 6 }, [nan, 6, -inf, 6, -1e5]],
  ] as const)('%s', (_, attrs, values) => expect(evaluate('clip', attrs, vector(...x))).toEqual(values));
});

describe('ops of several operands', () => {
  it.each([
    ['maximum', [nan, 1, inf, -inf], [1, nan, 2, -3], [nan, nan, inf, -3]],
    ['minimum', [nan, 1, inf, -inf], [1, nan, 2, -3], [nan, nan, 2, -inf]],
    ['add', [nan, inf, inf, -inf], [1, 1, -inf, -inf], [nan, inf, nan, -inf]],
    ['mul', [nan, inf, -inf, inf], [0, 0, 2, -2], [nan, nan, -inf, -inf]],
    ['div', [1, -1, 0, inf], [0, 0, 0, inf], [inf, -inf, nan, nan]],
    ['prelu', [nan, -inf, inf, -1], [0.5, 0.5, nan, nan], [nan, -inf, inf, nan]],
    ['greater', [nan, 1, inf, -inf], [1, nan, 2, -inf], [0, 0, 1, 0]],
    ['equal', [nan, inf, -inf, 1], [nan, inf, inf, 1], [0, 1, 0, 1]],
    ['reluGrad', [nan, inf, -inf, 0], [2, 2, nan, inf], [2, 2, 0, 0]],
  ] as const)('%s', (name, a, b, values) => {
    expect(evaluate(name, {}, vector(...a), vector(...b))).toEqual(values);
  });

  it('where chooses; the other side does not matter, and a NaN is not positive', () => {
    const [condition, yes, no] = [vector(1, 0, nan), vector(5, nan, nan), vector(nan, inf, 7)];
    expect(evaluate('where', {}, condition, yes, no)).toEqual([5, inf, 7]);
  });
});

const pool = { kernel: [2, 2], stride: [2, 2], padding: [0, 0, 0, 0], ceilMode: false };
const padded = { kernel: [2, 2], stride: [2, 2], padding: [1, 1, 1, 1], ceilMode: false };

describe('pools', () => {
  const picture = plane([1, nan, -inf, -inf, 2, 3, -inf, -inf], 4);
  it('max_pool: NaN wins, and nothing is below -infinity', () => {
    expect(evaluate('maxPool2d', pool, picture)).toEqual([nan, -inf]);
    expect(evaluate('maxPool2d', padded, plane([-inf, inf, nan, 4], 2))).toEqual([-inf, inf, nan, 4]);
  });

  it('the gradient of max_pool goes to the last NaN, and of equals, -infinity too, to the first', () => {
    expect(evaluate('maxPool2dGrad', pool, picture, plane([5, 7], 2))).toEqual([0, 5, 7, 0, 0, 0, 0, 0]);
    const two = plane([nan, 9, nan, 3], 2);
    expect(evaluate('maxPool2dGrad', pool, two, plane([5], 1))).toEqual([0, 0, 5, 0]);
  });

  it('means: NaN, an infinity, and both infinities', () => {
    const values = plane([1, nan, inf, 1, inf, -inf, 2, 3, 1, 1, 1, 1], 6);
    expect(evaluate('averagePool2d', { ...pool, countIncludePad: true }, values)).toEqual([nan, inf, nan]);
    expect(evaluate('globalAveragePool', {}, plane([1, -inf, 3, 4], 2))).toEqual([-inf]);
  });
});

describe('reductions', () => {
  const rows = (...values: readonly (readonly number[])[]): Tensor => ({
    dtype: 'f32',
    shape: [values.length, values[0]?.length ?? 0],
    data: Float64Array.from(values.flat()),
  });
  const given = rows([1, nan, 3], [inf, 1, 0], [-inf, -inf, -inf], [-inf, 0, 0]);

  it('max', () => {
    const attrs = { axes: [1], keepDims: false };
    expect(evaluate('reduceMax', attrs, given)).toEqual([nan, inf, -inf, 0]);
  });

  it('argmax: the first NaN, else the first of the largest', () => {
    const values = rows([1, nan, nan], [nan, 5, 6], [-inf, -inf, -inf], [1, inf, inf]);
    expect(evaluate('argMax', { axis: 1 }, values)).toEqual([1, 0, 0, 1]);
  });

  it('softmax and its logarithm: an infinite score leaves no scale, -infinity has no share', () => {
    const none = [nan, nan, nan];
    expect(evaluate('softmax', { axis: 1 }, given)).toEqual([...none, ...none, ...none, 0, 0.5, 0.5]);
    const last = [-inf, expect.closeTo(-Math.LN2, 12), expect.closeTo(-Math.LN2, 12)];
    expect(evaluate('logSoftmax', { axis: 1 }, given)).toEqual([nan, nan, nan, ...none, ...none, ...last]);
  });
});
