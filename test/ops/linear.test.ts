import { describe, expect, it } from 'vitest';
import { formatDim } from '../../compiler/ir/dim.ts';
import { formatType } from '../../compiler/ir/type.ts';
import { linear } from '../../compiler/ops/linear.ts';
import {
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  f32,
  type,
} from './check-op.ts';

describe('linear', () => {
  it('multiplies by the transposed weight', () => {
    const y = linear.evaluate([f32([1, 2], [1, 10]), f32([3, 2], [1, 2, 3, 4, 5, 6]), f32([3], [0.5, 0, -1])], {});
    expectTensor(y, { shape: [1, 3], data: [21.5, 43, 64] });
  });

  checkAgainstTorch(linear, 'linear');
  checkSamples(linear);
  checkSymbolicBatch(linear);

  it('counts multiply-accumulates', () => {
    const inputs = [type('f32[N, 64]'), type('f32[10, 64]'), type('f32[10]')];
    expect(formatDim(linear.macs?.(inputs, linear.infer(inputs, {}), {}) ?? 0)).toBe('640*N');
  });

  it('takes symbolic features that agree', () => {
    expect(formatType(linear.infer([type('f32[N, 2*H]'), type('f32[10, 2*H]')], {}))).toBe('f32[N, 10]');
  });

  it('refuses what does not fit', () => {
    const weight = 'f32[10, 64]';
    const differs = 'cannot multiply f32[N, 63] by the weight f32[10, 64]';
    expectFault(linear, ['f32[N, 63]', weight], {}, 'E0303', differs);
    expectFault(linear, ['f32[]', weight], {}, 'E0301', 'cannot multiply f32[]: its rank is 0, less than 1');
    expectFault(linear, ['f32[N, 64]', 'f32[64]'], {}, 'E0301', 'cannot multiply by f32[64]: its rank is 1, not 2');
    expectFault(linear, ['u8[N, 64]', weight], {}, 'E0302', 'cannot multiply u8[N, 64]: the elements must be f32');
    expectFault(linear, ['f32[N, 64]', weight, 'f32[64]'], {}, 'E0303', 'the bias f32[64] does not fit 10 channels');
  });
});
