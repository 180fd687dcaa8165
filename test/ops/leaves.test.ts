/** The ops without operands: input, parameter, constant. */
import { describe, expect, it } from 'vitest';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { isConstant, isInput, isParameter } from '../../compiler/ir/leaves.ts';
import { makeNode } from '../../compiler/ir/node.ts';
import { constant } from '../../compiler/ops/constant.ts';
import { input } from '../../compiler/ops/input.ts';
import { parameter } from '../../compiler/ops/parameter.ts';
import { arange } from './check-op.ts';

const shape = [symbolicDim('N'), 3];

describe('a leaf', () => {
  it('has the type that its attributes say', () => {
    const tensor = arange(2, 3);
    expect(makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape }).type).toEqual({ dtype: 'f32', shape });
    const weight = { name: 'fc.weight', dtype: 'f32', shape: [4, 2], init: { kind: 'zeros' } } as const;
    expect(makeNode(parameter, [], weight).type).toEqual({ dtype: 'f32', shape: [4, 2] });
    expect(makeNode(constant, [], { tensor, name: '' }).type).toEqual({ dtype: 'f32', shape: [2, 3] });
  });

  it('is told from the other two', () => {
    const leaves = [
      makeNode(input, [], { name: 'x', index: 0, dtype: 'f32', shape }),
      makeNode(parameter, [], { name: 'w', dtype: 'f32', shape, init: { kind: 'ones' } }),
      makeNode(constant, [], { tensor: arange(2), name: '' }),
    ];
    expect(leaves.map(isInput)).toEqual([true, false, false]);
    expect(leaves.map(isParameter)).toEqual([false, true, false]);
    expect(leaves.map(isConstant)).toEqual([false, false, true]);
  });

  it('is its value where it has one, and else says what is missing', () => {
    const tensor = arange(2, 3);
    expect(constant.evaluate([], { tensor, name: '' })).toBe(tensor);
    const attrs = { name: 'x', dtype: 'f32', shape } as const;
    expect(() => input.evaluate([], { ...attrs, index: 0 })).toThrow('input x has no value');
    expect(() => parameter.evaluate([], { ...attrs, init: { kind: 'ones' } })).toThrow('parameter x has no value');
  });
});
