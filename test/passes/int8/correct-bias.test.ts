import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../../compiler/ir/evaluate.ts';
import { isConstant } from '../../../compiler/ir/leaves.ts';
import { topologicalOrder } from '../../../compiler/ir/node.ts';
import { parseGraph } from '../../../compiler/ir/parse.ts';
import { randomTensor } from '../../../compiler/ir/tensor-literal.ts';
import { ops } from '../../../compiler/ops/index.ts';
import { biasErrorGraph, correctBias } from '../../../compiler/passes/int8/correct-bias.ts';
import { insertQdq } from '../../../compiler/passes/int8/insert-qdq.ts';
import { measureRanges } from './measure.ts';

// Rows of one large weight and many small ones, all of which round down to nothing.
const row = (large: number): string => [large, ...Array.from({ length: 7 }, () => 0.0035)].join(', ');
const graph = parseGraph(
  `graph {
    %0 = input() { name: "x", index: 0, dtype: "f32", shape: [N, 8, 3, 3] }
    %1 = relu(%0)
    %2 = constant() { tensor: f32[2, 8, 1, 1](${row(1)}, ${row(-1)}), name: "a.weight" }
    %3 = conv2d(%1, %2) { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 }
    %4 = constant() { tensor: f32[1, 2, 3, 3](random 5, -0.5, 0.5), name: "b.weight" }
    %5 = constant() { tensor: f32[1](0.25), name: "b.bias" }
    %6 = conv2d(%3, %4, %5) { stride: [1, 1], padding: [1, 1, 1, 1], dilation: [1, 1], groups: 1 }
    output "y" = %6
  }`,
  ops,
);

const x = randomTensor([16, 8, 3, 3], 3, 0, 4);
const ranges = measureRanges(graph, [{ x }]);

/** Means of the batch a channel of `[N, O]`. */
function means({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }): number[] {
  const [batch = 1, channels = 1] = shape;
  return Array.from({ length: channels }, (_, channel) => {
    let sum = 0;
    for (let image = 0; image < batch; image++) sum += data[image * channels + channel] ?? 0;
    return sum / batch;
  });
}

const errorsOf = (of: typeof graph): Record<string, number[]> =>
  Object.fromEntries(
    Object.entries(evaluateGraph(biasErrorGraph(of, { ranges }), { x })).map(([key, value]) => [key, means(value)]),
  );

describe('correct-bias', () => {
  it('measures what rounding adds on average, and takes it off', () => {
    const errors = errorsOf(graph);
    expect(Object.keys(errors)).toEqual(['a/out', 'b/out']);
    // Seven inputs of mean 2 lose 0.0035 each, as it is less than half of 1 / 127.
    for (const error of errors['a/out'] ?? []) expect(Math.abs(error + 7 * 2 * 0.0035)).toBeLessThan(0.003);
    const corrected = correctBias.run(graph, { biasErrors: errors });
    const valuesOf = (of: typeof graph): number[] => {
      const first = topologicalOrder(of).find(
        ({ op, inputs }) => op.name === 'quantize' && inputs[0]?.op.name === 'conv2d',
      );
      const [core] = first?.inputs ?? [];
      if (!core) throw new Error('no convolution');
      const { data } = evaluateGraph({ outputs: { core }, updates: new Map() }, { x })['core'] ?? x;
      return [0, 1].map((c) =>
        [...data].reduce((sum, value, at) => sum + (Math.floor(at / 9) % 2 === c ? value : 0), 0),
      );
    };
    const wanted = topologicalOrder(graph).find(({ op }) => op.name === 'conv2d');
    const exact = wanted && evaluateGraph({ outputs: { wanted }, updates: new Map() }, { x })['wanted'];
    const count = 16 * 9;
    for (const [channel, sum] of valuesOf(insertQdq.run(corrected, { ranges })).entries()) {
      const plain = valuesOf(insertQdq.run(graph, { ranges }))[channel] ?? 0;
      const real = [...(exact?.data ?? [])].reduce((s, v, at) => s + (Math.floor(at / 9) % 2 === channel ? v : 0), 0);
      expect(Math.abs(plain - real) / count).toBeGreaterThan(0.04);
      expect(Math.abs(sum - real) / count).toBeLessThan(0.004);
    }
  });

  it('corrects every layer, also behind others that are corrected, and keeps the names of biases', () => {
    const chain = parseGraph(
      `graph {
        %0 = input() { name: "x", index: 0, dtype: "f32", shape: [N, 4, 3, 3] }
        %1 = constant() { tensor: f32[4, 4, 1, 1](random 1, -0.5, 0.5), name: "a.weight" }
        %2 = conv2d(%0, %1) { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 }
        %3 = relu(%2)
        %4 = constant() { tensor: f32[4, 4, 1, 1](random 2, -0.5, 0.5), name: "b.weight" }
        %5 = constant() { tensor: f32[4](1, 2, 3, 4), name: "b.bias" }
        %6 = conv2d(%3, %4, %5) { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 }
        %7 = relu(%6)
        %8 = globalAveragePool(%7)
        %9 = reshape(%8) { shape: [N, 4] }
        %10 = constant() { tensor: f32[2, 4](random 3, -0.5, 0.5), name: "c.weight" }
        %11 = constant() { tensor: f32[2](-5, 6), name: "c.bias" }
        %12 = linear(%9, %10, %11)
        output "y" = %12
      }`,
      ops,
    );
    const input = randomTensor([8, 4, 3, 3], 5, -1, 1);
    const measured = evaluateGraph(biasErrorGraph(chain, { ranges: measureRanges(chain, [{ x: input }]) }), {
      x: input,
    });
    const errors = Object.fromEntries(Object.entries(measured).map(([key, value]) => [key, means(value)]));
    expect(Object.values(errors).map((list) => list.length)).toEqual([4, 4, 2]);
    const layers = topologicalOrder(correctBias.run(chain, { biasErrors: errors })).filter(({ op }) =>
      ['conv2d', 'linear'].includes(op.name),
    );
    const biases = layers.map(({ inputs: [, , bias] }) => {
      if (!bias || !isConstant(bias)) throw new Error('no bias');
      return { name: bias.attrs.name, data: [...bias.attrs.tensor.data] };
    });
    const old = [
      { name: '', data: [0, 0, 0, 0] },
      { name: 'b.bias', data: [1, 2, 3, 4] },
      { name: 'c.bias', data: [-5, 6] },
    ];
    const lists = Object.values(errors);
    expect(lists.flat().every((error) => error !== 0)).toBe(true);
    expect(biases).toEqual(
      old.map(({ name, data }, layer) => ({
        name,
        data: data.map((value, at) => Math.fround(value - (lists[layer]?.[at] ?? NaN))),
      })),
    );
  });

  it.each([false, true])(
    'measures the rounding of the weights as they are then used; one scale for all: %s',
    (perTensor) => {
      const weight = [1, 0.33, -0.061, 0.0123];
      const inputs = [2, -1, 3, 5];
      const scaled = parseGraph(
        `graph {
        %0 = input() { name: "x", index: 0, dtype: "f32", shape: [N, 2] }
        %1 = constant() { tensor: f32[2, 2](${weight.join(', ')}), name: "a.weight" }
        %2 = linear(%0, %1)
        output "y" = %2
      }`,
        ops,
      );
      const given = { dtype: 'f32', shape: [2, 2], data: Float64Array.from(inputs) } as const;
      const options = { ranges: measureRanges(scaled, [{ x: given }]), perTensorWeights: perTensor };
      const [error] = Object.values(evaluateGraph(biasErrorGraph(scaled, options), { x: given }));
      const scales = perTensor ? [1 / 127, 1 / 127] : [1 / 127, 0.061 / 127];
      const rounding = weight.map((w, at) => Math.round(w / scales[at >> 1]!) * scales[at >> 1]! - w);
      const wanted = [0, 1].flatMap((n) =>
        [0, 1].map((o) => inputs[2 * n]! * rounding[2 * o]! + inputs[2 * n + 1]! * rounding[2 * o + 1]!),
      );
      [...(error?.data ?? [])].forEach((value, at) => expect(Math.abs(value - wanted[at]!)).toBeLessThan(1e-6));
      expect(error?.data.length).toBe(4);
    },
  );

  it('leaves layers without a measured error as they are', () => {
    expect(correctBias.run(graph, { biasErrors: {} })).toBe(graph);
  });
});
