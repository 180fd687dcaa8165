import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../compiler/ir/evaluate.ts';
import { multiplyDims, symbolicDim } from '../../compiler/ir/dim.ts';
import { makeGraph, makeNode } from '../../compiler/ir/node.ts';
import { formatType } from '../../compiler/ir/type.ts';
import { input } from '../../compiler/ops/input.ts';
import { reshape } from '../../compiler/ops/reshape.ts';
import { arange, checkAgainstTorch, checkSamples, expectFault, type } from './check-op.ts';

const n = symbolicDim('N');

describe('reshape', () => {
  checkAgainstTorch(reshape, 'reshape');
  checkSamples(reshape);

  it('accepts symbolic sizes whose product is the same polynomial', () => {
    const x = type('f32[N, 8, 2*H, W]');
    const [h, w] = [symbolicDim('H'), symbolicDim('W')];
    expect(formatType(reshape.infer([x], { shape: [n, multiplyDims(16, multiplyDims(h, w))] }))).toBe('f32[N, 16*H*W]');
    expect(formatType(reshape.infer([x], { shape: [multiplyDims(2, n), 4, w, multiplyDims(2, h)] }))).toBe(
      'f32[2*N, 4, W, 2*H]',
    );
  });

  it('evaluates with the symbols that the graph binds', () => {
    const x = makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape: [n, 6] });
    const y = makeNode(reshape, [x], { shape: [n, 2, 3] });
    const { result } = evaluateGraph(makeGraph({ result: y }), { x: arange(4, 6) });
    expect(result).toEqual(arange(4, 2, 3));
  });

  it('refuses what does not fit', () => {
    const x = 'f32[N, 8, 2, 2]';
    const differ = 'cannot reshape f32[N, 8, 2, 2] to f32[N, 31]';
    expectFault(reshape, [x], { shape: [n, 31] }, 'E0308', differ);
    expectFault(reshape, [x], { shape: [2, 16] }, 'E0308', 'cannot reshape f32[N, 8, 2, 2] to f32[2, 16]');
    const free = 'a size of the new shape must be an integer of at least 1, not -1';
    expectFault(reshape, [x], { shape: [n, -1] }, 'E0310', free);
  });
});
