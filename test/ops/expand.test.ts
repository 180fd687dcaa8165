import { describe, expect, it } from 'vitest';
import { symbolicDim } from '../../compiler/ir/dim.ts';
import { expand } from '../../compiler/ops/expand.ts';
import { checkSamples, expectFault, expectTensor, f32, type } from './check-op.ts';

describe('expand', () => {
  it('repeats axes of size 1', () => {
    const y = expand.evaluate([f32([1, 2, 1], [3, 4])], { shape: [2, 2, 3] });
    expectTensor(y, { shape: [2, 2, 3], data: [3, 3, 3, 4, 4, 4, 3, 3, 3, 4, 4, 4] });
  });

  it('takes a symbolic size', () => {
    expect(expand.infer([type('f32[1, 3]')], { shape: [symbolicDim('N'), 3] })).toEqual(type('f32[N, 3]'));
    expect(expand.infer([type('f32[N, 1]')], { shape: [symbolicDim('N'), 3] })).toEqual(type('f32[N, 3]'));
  });

  it('refuses another rank, and sizes that are neither equal nor 1', () => {
    expectFault(expand, ['f32[3]'], { shape: [2, 3] }, 'E0305', 'cannot expand f32[3] to [2, 3]');
    expectFault(expand, ['f32[2, 3]'], { shape: [4, 3] }, 'E0305', 'cannot expand f32[2, 3] to [4, 3]');
  });

  checkSamples(expand);
});
