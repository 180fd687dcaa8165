import { describe, it } from 'vitest';
import { mergeMoments } from '../../compiler/ops/merge-moments.ts';
import { checkSamples, expectFault, expectTensor, f32 } from './check-op.ts';

describe('mergeMoments', () => {
  it('weighs parts by their pixels', () => {
    // Values 1 3 5 (mean 3, squares 8) and 9 (mean 9, squares 0).
    const y = mergeMoments.evaluate([f32([4, 1], [3, 8, 9, 0])], { count: 4, part: 3 });
    const squares = (1 - 4.5) ** 2 + (3 - 4.5) ** 2 + (5 - 4.5) ** 2 + (9 - 4.5) ** 2;
    expectTensor(y, { shape: [3, 1], data: [4.5, squares / 4, squares / 3] });
  });

  checkSamples(mergeMoments);

  it('refuses what does not fit', () => {
    const message = 'cannot merge f32[6, 4]: 10 pixels in parts of 5 do not make 6 rows';
    expectFault(mergeMoments, ['f32[6, 4]'], { count: 10, part: 5 }, 'E0303', message);
    expectFault(mergeMoments, ['f32[4]'], { count: 10, part: 5 }, 'E0301', 'cannot merge f32[4]: its rank is 1, not 2');
  });
});
