import { describe, expect, it } from 'vitest';
import { parseGraph } from '../../../compiler/ir/parse.ts';
import { ops } from '../../../compiler/ops/index.ts';
import { insertQdq } from '../../../compiler/passes/int8/insert-qdq.ts';
import { runTextTests } from '../run-text.ts';

const signed = { min: -1, max: 1 };
const ranges = {
  'x/input': signed,
  'conv1/out': { min: 0, max: 3 },
  'conv2/out': { min: 0, max: 2.5 },
  'conv/pre': { min: -12, max: 2.5 },
  'conv/out': { min: -0.375, max: 2.5 },
  'a/out': { min: -2, max: 2.5 },
  'b/out': { min: -3, max: 0 },
};

describe('insert-qdq', () => {
  runTextTests('int8/insert-qdq', { ...insertQdq, run: (graph) => insertQdq.run(graph, { ranges }) }, 0.1);

  it('says which range is missing', () => {
    const graph = parseGraph(
      `graph {
        %0 = input() { name: "x", index: 0, dtype: "f32", shape: [N, 1, 2, 2] }
        %1 = constant() { tensor: f32[1, 1, 1, 1](2), name: "stem.weight" }
        %2 = conv2d(%0, %1) { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 }
        output "y" = %2
      }`,
      ops,
    );
    const run = () => insertQdq.run(graph, { ranges: { 'x/input': signed } });
    expect(run).toThrow('there is no range of stem/out');
  });
});
