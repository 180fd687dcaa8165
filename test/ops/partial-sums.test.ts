import { describe, it } from 'vitest';
import { channelSums } from '../../compiler/ops/channel-sums.ts';
import { partialSums } from '../../compiler/ops/partial-sums.ts';
import { reduceSum } from '../../compiler/ops/reduce-sum.ts';
import { sumSlices } from '../../compiler/ops/sum-slices.ts';
import { checkSamples, expectFault, expectTensor, f32, noise } from './check-op.ts';

describe('partialSums', () => {
  it('sums parts of whole rows', () => {
    const g = f32([1, 1, 3, 2], [1, 2, 3, 4, 5, 6]);
    expectTensor(partialSums.evaluate([g], { rows: 2 }), { shape: [2, 1], data: [10, 11] });
  });

  it.each(partialSums.samples)('adds up to the sums of all: $name', ({ inputs, attrs }) => {
    const tensors = inputs.map(({ shape }, index) => noise(shape, index));
    const [shape = []] = inputs.map((each) => each.shape);
    const axes = [...shape.keys()].filter((axis) => axis !== 1);
    const partials = partialSums.evaluate(tensors, attrs);
    const rows = inputs.length === 3 ? 2 : 1;
    const total = sumSlices.evaluate([partials], { slices: (partials.shape[0] ?? 0) / rows });
    const expected =
      rows === 2 ? channelSums.evaluate(tensors, {}) : reduceSum.evaluate(tensors, { axes, keepDims: false });
    expectTensor(total, { shape: [rows, shape[1] ?? 0], data: [...expected.data] });
  });

  checkSamples(partialSums);

  it('refuses what does not fit', () => {
    const shapes = 'cannot sum f32[2, 3] over f32[3, 3]: the shapes differ';
    expectFault(partialSums, ['f32[2, 3]', 'f32[3, 3]', 'f32[3, 3]'], { rows: 1 }, 'E0303', shapes);
    const moments = 'the moments of f32[2, 3] are missing or do not fit';
    expectFault(partialSums, ['f32[2, 3]', 'f32[2, 3]'], { rows: 1 }, 'E0303', moments);
  });
});
