import { expect, it } from 'vitest';
import { parseGraph } from '../../compiler/ir/parse.ts';
import { printGraph } from '../../compiler/ir/print.ts';
import { ops } from '../../compiler/ops/index.ts';
import { bindParameters } from '../../compiler/passes/bind-parameters.ts';

const graph = parseGraph(
  `graph {
    %0 = parameter() { name: "a.weight", dtype: "f32", shape: [2], init: { kind: "ones" } }
    %1 = parameter() { name: "b.weight", dtype: "f32", shape: [2], init: { kind: "zeros" } }
    %2 = add(%0, %1)
    output "y" = %2
  }`,
  ops,
);
const tensor = { dtype: 'f32', shape: [2], data: Float64Array.of(0.1, 2) } as const;

it('gives parameters their values under their names, rounded to float32, and leaves the others', () => {
  const bound = bindParameters.run(graph, { parameters: new Map([['a.weight', tensor]]) });
  expect(printGraph(bound)).toBe(`graph {
  %0 = constant() { tensor: f32[2](0.1, 2), name: "a.weight" }
  %1 = parameter() { name: "b.weight", dtype: "f32", shape: [2], init: { kind: "zeros" } }
  %2 = add(%0, %1) : f32[2]
  output "y" = %2
}
`);
});

it('leaves a graph alone whose parameters have no values', () => {
  expect(bindParameters.run(graph, { parameters: new Map([['other', tensor]]) })).toBe(graph);
});

it('refuses a value of another shape', () => {
  const wrong = new Map([['a.weight', { ...tensor, shape: [1, 2, 1] }]]);
  expect(() => bindParameters.run(graph, { parameters: wrong })).toThrow(
    'a.weight is f32[1, 2, 1] in the weights and f32[2] in the model',
  );
});
