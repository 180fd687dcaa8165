import { describe, it } from 'vitest';
import { layerNorm } from '../../compiler/ops/layer-norm.ts';
import { checkAgainstTorch, checkSamples, checkSymbolicBatch, expectFault, expectTensor, f32 } from './check-op.ts';

describe('layerNorm', () => {
  it('brings each row to mean 0 and variance 1', () => {
    const x = f32([2, 2], [1, 3, -10, 10]);
    const y = layerNorm.evaluate([x, f32([2], [1, 2]), f32([2], [0, 0.5])], { eps: 0 });
    expectTensor(y, { shape: [2, 2], data: [-1, 2.5, -1, 2.5] });
  });

  checkAgainstTorch(layerNorm, 'layer-norm');
  checkSamples(layerNorm);
  checkSymbolicBatch(layerNorm, ({ name }) => name !== 'everything');

  it('refuses what does not fit', () => {
    const [x, eps] = ['f32[N, 4, 6]', 1e-5];
    const axes = 'the gamma f32[4] has not the last axes of f32[N, 4, 6]';
    expectFault(layerNorm, [x, 'f32[4]', 'f32[4]'], { eps }, 'E0303', axes);
    const beta = 'the beta f32[4, 6] has another shape than f32[6]';
    expectFault(layerNorm, [x, 'f32[6]', 'f32[4, 6]'], { eps }, 'E0303', beta);
    expectFault(layerNorm, [x, 'f32[6]'], { eps }, 'E0314', 'cannot normalise: operand 3 is missing');
    const negative = 'eps must be a number of at least 0, not -1';
    expectFault(layerNorm, [x, 'f32[6]', 'f32[6]'], { eps: -1 }, 'E0310', negative);
  });
});
