import { describe, expect, it } from 'vitest';
import { channelMoments } from '../../compiler/ops/channel-moments.ts';
import { mergeMoments } from '../../compiler/ops/merge-moments.ts';
import { partialMoments } from '../../compiler/ops/partial-moments.ts';
import { checkSamples, expectFault, expectTensor, f32, noise } from './check-op.ts';

describe('partialMoments', () => {
  it('measures parts of whole rows', () => {
    const x = f32([2, 1, 2, 2], [1, 3, 5, 7, 2, 2, 4, 8]);
    const y = partialMoments.evaluate([x], { rows: 3 });
    // Rows 1 3, 5 7 and 2 2; then 4 8 alone.
    expectTensor(y, { shape: [4, 1], data: [20 / 6, 92 - 400 / 6, 6, 8] });
  });

  it.each(partialMoments.samples)('merges to the moments of all: $name', ({ inputs, attrs }) => {
    const [shape = []] = inputs.map((each) => each.shape);
    const x = noise(shape, 1);
    const [batch = 1, , ...plane] = shape;
    const columns = plane.at(-1) ?? 1;
    const count = plane.reduce((product, size) => product * size, batch);
    const partials = partialMoments.evaluate([x], attrs);
    const merged = mergeMoments.evaluate([partials], { count, part: Math.min(count, attrs.rows * columns) });
    const { data } = channelMoments.evaluate([x], {});
    expect(merged.shape).toEqual([3, shape[1]]);
    expectTensor(merged, { shape: merged.shape, data: [...data] });
  });

  checkSamples(partialMoments);

  it('refuses what does not fit', () => {
    const open = 'the pixels of f32[N, 3] cannot be counted';
    expectFault(partialMoments, ['f32[N, 3]'], { rows: 2 }, 'E0309', open);
    const rows = 'rows must be an integer of at least 1, not 0';
    expectFault(partialMoments, ['f32[4, 3]'], { rows: 0 }, 'E0310', rows);
  });
});
