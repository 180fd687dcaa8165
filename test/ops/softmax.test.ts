import { describe, expect, it } from 'vitest';
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

describe('softmax', () => {
  it('weighs logits by their exponentials', () => {
    const y = softmax.evaluate([f32([1, 3], [0, Math.log(2), Math.log(5)])], { axis: 1 });
    expectTensor(y, { shape: [1, 3], data: [1 / 8, 2 / 8, 5 / 8] });
  });

  it('does not overflow', () => {
    const y = softmax.evaluate([f32([2, 2], [1e4, 1e4, -1e4, 1e4])], { axis: 1 });
    expectTensor(y, { shape: [2, 2], data: [0.5, 0.5, 0, 1] });
  });

  it('sums to one along its axis', () => {
    const y = softmax.evaluate([noise([3, 5, 2], 4, [-20, 20])], { axis: 1 });
    for (let at = 0; at < 6; at++) {
      const lane = [...y.data].filter(
        (_, index) => Math.floor(index / 10) === Math.floor(at / 2) && index % 2 === at % 2,
      );
      expect(lane).toHaveLength(5);
      expect(lane.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    }
  });

  checkAgainstTorch(softmax, 'softmax');
  checkSamples(softmax);
  checkSymbolicBatch(softmax);

  it('refuses what does not fit', () => {
    expectFault(softmax, ['f32[N, 10]'], { axis: 2 }, 'E0307', 'cannot normalise f32[N, 10]: it has no axis 2');
    expectFault(softmax, ['f32[N, 10]'], { axis: -1 }, 'E0307', 'cannot normalise f32[N, 10]: it has no axis -1');
    expectFault(softmax, ['i8[N, 10]'], { axis: 1 }, 'E0302', 'cannot normalise i8[N, 10]: the elements must be f32');
  });
});
