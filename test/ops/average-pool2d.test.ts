import { describe, it } from 'vitest';
import { averagePool2d, type AveragePool2dAttrs } from '../../compiler/ops/average-pool2d.ts';
import {
  arange,
  checkAgainstTorch,
  checkSamples,
  checkSymbolicBatch,
  expectFault,
  expectTensor,
  f32,
} from './check-op.ts';

const plain: AveragePool2dAttrs = {
  kernel: [2, 2],
  stride: [2, 2],
  padding: [0, 0, 0, 0],
  ceilMode: false,
  countIncludePad: true,
};

describe('averagePool2d', () => {
  it('averages each window', () => {
    expectTensor(averagePool2d.evaluate([arange(1, 1, 2, 4)], plain), { shape: [1, 1, 1, 2], data: [2.5, 4.5] });
  });

  it('divides by the cells inside the padding, and by none beyond it', () => {
    const x = f32([1, 1, 1, 3], [6, 6, 6]);
    const attrs: AveragePool2dAttrs = {
      ...plain,
      kernel: [1, 4],
      stride: [1, 3],
      padding: [0, 1, 0, 1],
      ceilMode: true,
    };
    // Windows are cells -1..2 and 2..5; the second ends at cell 3, the last padded one.
    expectTensor(averagePool2d.evaluate([x], attrs), { shape: [1, 1, 1, 2], data: [18 / 4, 6 / 2] });
    const inside = averagePool2d.evaluate([x], { ...attrs, countIncludePad: false });
    expectTensor(inside, { shape: [1, 1, 1, 2], data: [6, 6] });
  });

  checkAgainstTorch(averagePool2d, 'average-pool2d');
  checkSamples(averagePool2d);
  checkSymbolicBatch(averagePool2d);

  it('refuses what does not fit', () => {
    const integers = 'cannot average i32[1, 4, 8, 8]: the elements must be f32';
    expectFault(averagePool2d, ['i32[1, 4, 8, 8]'], plain, 'E0302', integers);
    expectFault(averagePool2d, ['f32[8, 8]'], plain, 'E0301', 'cannot pool f32[8, 8]: its rank is 2, not 4');
    const wide = 'padding 2 is more than half of the kernel 2, so that a window could miss the input';
    expectFault(averagePool2d, ['f32[1, 4, 8, 8]'], { ...plain, padding: [0, 2, 0, 0] }, 'E0310', wide);
  });
});
