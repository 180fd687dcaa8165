import { describe, expect, it } from 'vitest';
import { batchNormTraining } from '../../compiler/ops/batch-norm-training.ts';
import { batchNorm } from '../../compiler/ops/batch-norm.ts';
import { checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32, noise } from './check-op.ts';

const attrs = { eps: 1e-5 };

describe('batchNormTraining', () => {
  it('normalises each channel by the first two rows of the moments', () => {
    const moments = f32([3, 2], [1, 0, 0.75, 3.75, 99, 99]);
    const x = f32([1, 2, 2], [1, 3, 4, -2]);
    const y = batchNormTraining.evaluate([x, moments, f32([2], [2, 3]), f32([2], [10, 20])], { eps: 0.25 });
    expectTensor(y, { shape: [1, 2, 2], data: [10, 14, 26, 17] });
  });

  it('equals batchNorm with those moments as statistics', () => {
    const [x, gamma, beta] = [noise([2, 5, 3, 4], 1), noise([5], 2), noise([5], 3)];
    const moments = noise([3, 5], 4, [0.1, 2]);
    const row = (index: number) => f32([5], moments.data.slice(index * 5, index * 5 + 5));
    const expected = batchNorm.evaluate([x, gamma, beta, row(0), row(1)], { ...attrs, momentum: 0.1 });
    expect(batchNormTraining.evaluate([x, moments, gamma, beta], attrs)).toEqual(expected);
  });

  checkSamples(batchNormTraining);

  it('refuses what does not fit', () => {
    const [x, m, c] = ['f32[N, 4, 8, 8]', 'f32[3, 4]', 'f32[4]'];
    const cases: readonly [readonly string[], string, string][] = [
      [[x, 'f32[2, 4]', c, c], 'E0303', 'the moments f32[2, 4] do not fit f32[N, 4, 8, 8]'],
      [[x, 'f32[3, 5]', c, c], 'E0303', 'the moments f32[3, 5] do not fit f32[N, 4, 8, 8]'],
      [[x, c, c, c], 'E0301', 'cannot normalise by f32[4]: its rank is 1, not 2'],
      [[x, m, 'f32[3]', c], 'E0303', 'the gamma f32[3] does not fit 4 channels'],
      [[x, m, c], 'E0314', 'cannot normalise: operand 4 is missing'],
    ];
    for (const [operands, code, message] of cases) expectFault(batchNormTraining, operands, attrs, code, message);
    const eps = 'eps must be a number of at least 0, not -1';
    expectFault(batchNormTraining, [x, m, c, c], { eps: -1 }, 'E0310', eps);
  });
});

describe('batchNormTraining with a symbolic batch', () => {
  const withConstants = {
    ...batchNormTraining,
    samples: batchNormTraining.samples.map((sample) => ({
      ...sample,
      inputs: sample.inputs.map((input, index) => (index === 0 ? input : ({ ...input, constant: true } as const))),
    })),
  };
  checkSymbolicBatch(withConstants);
});
