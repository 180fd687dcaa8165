import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../../compiler/ir/evaluate.ts';
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

  it('leaves layers without a measured error as they are', () => {
    expect(correctBias.run(graph, { biasErrors: {} })).toBe(graph);
  });
});
