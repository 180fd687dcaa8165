import { describe, expect, it } from 'vitest';
import { packWeights } from '../../compiler/ops/pack-weights.ts';
import { arange, checkSamples, expectFault, expectTensor } from './check-op.ts';

describe('packWeights', () => {
  it('changes neither type nor value', () => {
    const weight = arange(2, 3, 1, 2);
    const packed = packWeights.evaluate([weight], { form: 'transposed', groups: 2 });
    expectTensor(packed, { shape: weight.shape, data: [...weight.data].map(Number) });
    expect(packWeights.infer([weight], { form: 'transposed', groups: 2 }).shape).toEqual(weight.shape);
  });

  checkSamples(packWeights);

  it('refuses what no convolution reads', () => {
    const rank = 'cannot pack f32[4, 4]: its rank is 2, not 4';
    expectFault(packWeights, ['f32[4, 4]'], { form: 'transposed', groups: 1 }, 'E0301', rank);
    const groups = 'cannot pack f32[6, 2, 3, 3] as outputs of 4 groups';
    expectFault(packWeights, ['f32[6, 2, 3, 3]'], { form: 'outputs', groups: 4 }, 'E0304', groups);
    const wide = 'cannot pack f32[6, 2, 3, 3] as depthwise of 6 groups';
    expectFault(packWeights, ['f32[6, 2, 3, 3]'], { form: 'depthwise', groups: 6 }, 'E0304', wide);
  });
});
