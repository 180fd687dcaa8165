import { describe, it } from 'vitest';
import { logSoftmax } from '../../compiler/ops/log-softmax.ts';
import { softmax } from '../../compiler/ops/softmax.ts';
import {
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  f32,
  noise,
} from './check-op.ts';

describe('logSoftmax', () => {
  it('is the logarithm of softmax', () => {
    const x = noise([3, 5, 2], 1, [-4, 4]);
    const data = [...softmax.evaluate([x], { axis: 1 }).data].map(Math.log);
    expectTensor(logSoftmax.evaluate([x], { axis: 1 }), { shape: x.shape, data });
  });

  it('stays finite where softmax is zero', () => {
    const y = logSoftmax.evaluate([f32([1, 2], [1e4, -1e4])], { axis: 1 });
    expectTensor(y, { shape: [1, 2], data: [0, -2e4] });
  });

  checkAgainstTorch(logSoftmax, 'log-softmax');
  checkSamples(logSoftmax);
  checkSymbolicBatch(logSoftmax);

  it('refuses an axis that is not there', () => {
    expectFault(logSoftmax, ['f32[N, 10]'], { axis: 2 }, 'E0307', 'cannot normalise f32[N, 10]: it has no axis 2');
  });
});
