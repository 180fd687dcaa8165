import { describe, expect, it } from 'vitest';
import { bindSizes } from '../../compiler/ir/bind-sizes.ts';
import { symbolicDim, multiplyDims } from '../../compiler/ir/dim.ts';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { makeGraph, makeNode, topologicalOrder } from '../../compiler/ir/node.ts';
import { verifyGraph } from '../../compiler/ir/verify.ts';
import { add, globalAveragePool, input, parameter, reshape } from '../../compiler/ops/index.ts';
import { arange, f32 } from '../ops/check-op.ts';

const n = symbolicDim('N');
const h = multiplyDims(symbolicDim('H_2'), 2);

function network() {
  const x = makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape: [n, 3, h, 4] });
  const pooled = makeNode(reshape, [makeNode(globalAveragePool, [x], {})], { shape: [n, 3] });
  const state = makeNode(parameter, [], { name: 'state', dtype: 'f32', shape: [n, 3], init: { kind: 'zeros' } });
  return makeGraph({ pooled }, new Map([[state, makeNode(add, [state, pooled], {})]]));
}

describe('bindSizes', () => {
  it('leaves no symbol, in types, attributes and updates', () => {
    const bound = bindSizes(network(), { N: 2, H_2: 3 });
    expect(verifyGraph(bound)).toEqual([]);
    for (const { type, attrs } of topologicalOrder(bound)) {
      expect(JSON.stringify([type, attrs])).not.toContain('symbols');
    }
    const [[state, next] = []] = [...bound.updates];
    expect([state?.type.shape, next?.type.shape]).toEqual([
      [2, 3],
      [2, 3],
    ]);
    expect(topologicalOrder(bound)[0]?.type.shape).toEqual([2, 3, 6, 4]);
  });

  it('keeps the value', () => {
    const x = arange(2, 3, 6, 4);
    const [graph, bound] = [network(), bindSizes(network(), { N: 2, H_2: 3 })];
    const parameters = { state: f32([2, 3], Array(6).fill(0)) };
    expect(evaluateGraph(bound, { x }, { parameters })).toEqual(evaluateGraph(graph, { x }, { parameters }));
  });

  it('names a symbol without a size', () => {
    expect(() => bindSizes(network(), { N: 2 })).toThrow('dimension H_2 has no size');
  });
});
