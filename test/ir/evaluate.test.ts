import { describe, expect, it } from 'vitest';
import { evaluateGraph, evaluateStep } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode, type Node } from '../../compiler/ir/node.ts';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { randomTensor } from '../../compiler/ir/tensor-literal.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { rewriteGraph } from '../../compiler/ir/rewrite.ts';
import { printGraph } from '../../compiler/ir/print.ts';
import { parseGraph } from '../../compiler/ir/parse.ts';
import { add, input, mul, neg, ops, parameter, relu, sqrt } from '../../compiler/ops/index.ts';

const n = symbolicDim('N');
const leaf = (name = 'x', index = 0): Node => makeNode(input, [], { name, index, dtype: 'f32', shape: [n, 3] });
const vector = (values: number[]) => ({
  dtype: 'f32' as const,
  shape: [1, values.length],
  data: Float32Array.from(values),
});

describe('evaluateGraph', () => {
  it('computes in float64, or rounds every value to float32', () => {
    const x = leaf();
    const graph = makeGraph({ y: makeNode(sqrt, [x], {}), x });
    const exact = evaluateGraph(graph, { x: vector([2, 4, 9]) });
    expect(exact['y']?.data).toEqual(Float64Array.of(Math.SQRT2, 2, 3));
    const rounded = evaluateGraph(graph, { x: vector([2, 4, 9]) }, { precision: 'f32' });
    expect(rounded['y']?.data).toEqual(Float32Array.of(Math.SQRT2, 2, 3));
    expect(rounded['x']?.data).toEqual(Float32Array.of(2, 4, 9));
  });

  it('needs no stack and keeps few values on a very deep graph', () => {
    let node = leaf();
    for (let depth = 0; depth < 25_000; depth++) node = makeNode(neg, [node], {});
    const graph = makeGraph({ y: node });
    expect(evaluateGraph(graph, { x: vector([1, 2, 3]) })['y']?.data).toEqual(Float64Array.of(1, 2, 3));
    expect(verifyGraph(graph, ops)).toEqual([]);
    expect(rewriteGraph(graph, () => undefined, 'none')).toBe(graph);
    const text = printGraph(graph);
    expect(printGraph(parseGraph(text, ops))).toBe(text);
  });

  it('gives symbols their sizes inside the body of a fused node too', () => {
    const text = `graph {
      %0 = input() { name: "x", index: 0, dtype: "f32", shape: [N, 3] }
      %1 = fused(%0) { body: graph {
        %0 = input() { name: "arg0", index: 0, dtype: "f32", shape: [N, 3] }
        %1 = reshape(%0) { shape: [3*N] }
        %2 = neg(%1)
        output "result" = %2
      } }
      output "y" = %1
    }`;
    const { y } = evaluateGraph(parseGraph(text, ops), { x: randomTensor([2, 3], 1) });
    expect(y?.shape).toEqual([6]);
  });

  it('reports missing and misshapen inputs', () => {
    const graph = makeGraph({ y: makeNode(add, [leaf(), leaf('z', 1)], {}) });
    expect(() => evaluateGraph(graph, { x: vector([1, 2, 3]) })).toThrow('input z has no value');
    expect(() => evaluateGraph(graph, { x: vector([1, 2, 3]), z: vector([1, 2]) })).toThrow(
      'z is f32[1, 2], not f32[N, 3]',
    );
    const batches = { x: randomTensor([2, 3], 1), z: randomTensor([3, 3], 2) };
    expect(() => evaluateGraph(graph, batches)).toThrow('z is f32[3, 3], not f32[N, 3]');
  });
});

describe('evaluateStep', () => {
  const state = (name: string): Node =>
    makeNode(parameter, [], { name, dtype: 'f32', shape: [1, 3], init: { kind: 'zeros' } });

  it('computes every update from the values before the step', () => {
    const [a, b, x] = [state('a'), state('b'), leaf()];
    const y = makeNode(mul, [a, x], {});
    const updates = new Map([
      [a, makeNode(add, [a, b], {})],
      [b, y],
    ]);
    const parameters = { a: vector([1, 2, 3]), b: vector([10, 20, 30]) };
    const { outputs, next } = evaluateStep(makeGraph({ y }, updates), { x: vector([2, 3, 4]) }, { parameters });
    expect(outputs['y']?.data).toEqual(Float64Array.of(2, 6, 12));
    expect(next['a']?.data).toEqual(Float64Array.of(11, 22, 33));
    expect(next['b']?.data).toEqual(Float64Array.of(2, 6, 12));
  });

  it('needs no value of what is only written, and rounds in float32', () => {
    const [a, x] = [state('a'), leaf()];
    const graph = makeGraph({}, new Map([[a, makeNode(sqrt, [x], {})]]));
    const { outputs, next } = evaluateStep(graph, { x: vector([2, 4, 9]) }, { precision: 'f32' });
    expect(outputs).toEqual({});
    expect(next['a']?.data).toEqual(Float32Array.of(Math.SQRT2, 2, 3));
  });
});

describe('rewriteGraph', () => {
  it('shares what it leaves alone and records the pass on what it makes', () => {
    const x = leaf();
    const span = { file: { path: 'm.cnn', text: 'relu(x)' }, start: 0, end: 4 };
    const kept = makeNode(relu, [x], {});
    const replaced = makeNode(neg, [x], {}, { spans: [span], path: 'stem', passes: ['first'] });
    const graph = makeGraph({ kept, sum: makeNode(add, [kept, replaced], {}) });
    const square = (node: Node): Node | undefined =>
      node.op === neg ? makeNode(relu, [makeNode(mul, [...node.inputs, ...node.inputs], {})], {}) : undefined;
    const result = rewriteGraph(graph, square, 'second');
    expect(result.outputs['kept']).toBe(kept);
    const made = result.outputs['sum']?.inputs[1];
    expect(made?.op).toBe(relu);
    expect(made?.origin).toEqual({ spans: [span], path: 'stem', passes: ['first', 'second'] });
    expect(made?.inputs[0]?.origin).toEqual(made?.origin);
    expect(made?.inputs[0]?.inputs[0]).toBe(x);
  });
});

describe('verifyGraph', () => {
  it('names what is wrong', () => {
    const x = leaf();
    const good = makeNode(relu, [x], {});
    const bad: Node = { ...good, type: { dtype: 'f32', shape: [n, 4] } };
    expect(verifyGraph(makeGraph({ bad }), ops)).toEqual(['%1 = relu: its type is f32[N, 4], infer gives f32[N, 3]']);
    const foreign: Node = { ...good, op: { ...relu } };
    expect(verifyGraph(makeGraph({ foreign }), ops)).toEqual(['%1 = relu: its op is not in the registry']);
    const twins = makeNode(add, [x, leaf('x', 0)], {});
    expect(verifyGraph(makeGraph({ twins }), ops)).toEqual([
      'two nodes are input x',
      'two nodes are the input at index 0',
    ]);
    const loop = { ...good, inputs: [x] };
    loop.inputs = [loop];
    expect(verifyGraph(makeGraph({ loop }), ops)).toContain('%0 = relu: it depends on itself');
  });
});
