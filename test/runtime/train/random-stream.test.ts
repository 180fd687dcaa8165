import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { philox } from '../../../runtime/philox.ts';
import { drawMixing, mixImages, symmetricBeta } from '../../../runtime/train/pictures/mixup.ts';
import { permutation, purposes, randomStream } from '../../../runtime/train/random-stream.ts';
import { resolveCounts, splitIndices, takeIndices } from '../../../runtime/train/splits.ts';
import { faultOf } from '../fault.ts';

describe('randomStream', () => {
  it('is Philox by block, index, epoch and purpose', () => {
    const [a, b, c, d] = philox([0, 7, 3, purposes.augment], [5, 1]);
    const random = randomStream(5 + 2 ** 32, purposes.augment, 3, 7);
    const fraction = (high: number, low: number) => ((high >>> 5) * 2 ** 26 + (low >>> 6)) / 2 ** 53;
    expect([random.uniform(), random.uniform()]).toEqual([fraction(a, b), fraction(c, d)]);
    expect(random.words()).toEqual(philox([1, 7, 3, purposes.augment], [5, 1]));
  });

  it('stays in its range and fills it', () => {
    const random = randomStream(1, purposes.shuffle, 0, 0);
    const counts = Array<number>(7).fill(0);
    for (let at = 0; at < 7000; at++) {
      const value = random.below(7);
      counts[value] = (counts[value] ?? 0) + 1;
    }
    expect(counts.reduce((sum, count) => sum + count)).toBe(7000);
    // Chi-squared of 6 degrees of freedom: 22.5 is exceeded once in a thousand; the draws are fixed.
    expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(22.5);
  });
});

describe('permutation', () => {
  it('has every index once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.nat(), (count, seed) => {
        const order = permutation(count, randomStream(seed, purposes.shuffle, 0, 0));
        expect([...order].toSorted((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, at) => at));
      }),
    );
  });

  it('takes every order equally often', () => {
    const counts = new Map<string, number>();
    for (let epoch = 0; epoch < 6000; epoch++) {
      const order = permutation(3, randomStream(0, purposes.shuffle, epoch, 0)).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    const squares = [...counts.values()].map((count) => (count - 1000) ** 2 / 1000);
    // Chi-squared of 5 degrees of freedom.
    expect([counts.size, squares.reduce((sum, value) => sum + value) < 20.5]).toEqual([6, true]);
  });
});

describe('mixup', () => {
  it.each([0.1, 0.4, 1, 2, 8])('draws lambda from Beta(%d, %d)', (alpha) => {
    const values = Array.from({ length: 4000 }, (_, at) =>
      symmetricBeta(alpha, randomStream(3, purposes.mixup, 0, at)),
    );
    const mean = values.reduce((sum, value) => sum + value) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
    const expected = 1 / (4 * (2 * alpha + 1));
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(expected / values.length));
    expect(Math.abs(variance / expected - 1)).toBeLessThan(0.1);
  });

  it('has values also for an alpha whose gammas underflow', () => {
    for (let at = 0; at < 200; at++) {
      const value = symmetricBeta(0.001, randomStream(3, purposes.mixup, 0, at));
      expect(value >= 0 && value <= 1).toBe(true);
    }
  });

  it('mixes each sample with its partner', () => {
    const images = Float32Array.of(1, 2, 10, 20, 100, 200);
    const mixed = new Float32Array(6);
    mixImages(images, mixed, { partners: Uint32Array.of(1, 2, 0), lambda: 0.75 });
    expect([...mixed]).toEqual([3.25, 6.5, 32.5, 65, 75.25, 150.5]);
  });

  it('is drawn anew for every batch', () => {
    const draws = [
      drawMixing(8, 1, 0, 0, 0),
      drawMixing(8, 1, 0, 0, 1),
      drawMixing(8, 1, 0, 1, 0),
      drawMixing(8, 1, 1, 0, 0),
    ];
    expect(new Set(draws.map(({ lambda }) => lambda)).size).toBe(4);
    expect(draws[0]).toEqual(drawMixing(8, 1, 0, 0, 0));
  });
});

describe('splits', () => {
  it('are disjoint, and the same for the same seed', () => {
    const size = fc.integer({ min: 3, max: 200 });
    fc.assert(
      fc.property(size, fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (pool, seed, share) => {
        const val = Math.floor((pool - 1) * share);
        const counts = resolveCounts(pool, { val }, [], 'it');
        const parts = splitIndices(pool, counts, seed);
        const all = [...parts.train, ...parts.val, ...parts.test];
        expect([parts.train.length, parts.val.length, new Set(all).size]).toEqual([pool - val, val, pool]);
        expect(splitIndices(pool, counts, seed)).toEqual(parts);
      }),
    );
  });

  it('by shares have sizes within one sample of them, never more together than there are', () => {
    const parts = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        parts,
        fc.integer({ min: 0, max: 3 }),
        (pool, weights, spare) => {
          const total = weights.reduce((sum, each) => sum + each, 0) * (spare === 0 ? 1 : 1 + spare / 10);
          const shares = weights.map((each) => each / total);
          const names = ['train', 'val', 'test'] as const;
          const asked = Object.fromEntries(
            names.flatMap((name, at) => {
              const share = shares[at];
              return share === undefined ? [] : [[name, { share }]];
            }),
          );
          // A share of no sample is refused; the samples for that are above.
          fc.pre(shares.every((share) => share * pool >= 1));
          const counts = resolveCounts(pool, asked, [], 'it');
          const sizes = names.map((name) => counts[name]);
          shares.forEach((share, at) => expect(Math.abs((sizes[at] ?? 0) - share * pool)).toBeLessThanOrEqual(1));
          const sum = sizes.reduce((all, each) => all + each, 0);
          expect(sum).toBe(spare === 0 ? pool : Math.round(pool * shares.reduce((all, each) => all + each, 0) + 1e-9));
          const { train, val, test } = splitIndices(pool, counts, 1);
          expect(new Set([...train, ...val, ...test]).size).toBe(sum);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('differ by seed', () => {
    const counts = { train: 50, val: 50, test: 0 };
    expect(splitIndices(100, counts, 1)).not.toEqual(splitIndices(100, counts, 2));
  });

  it.each([
    [100, {}, [], { train: 80, val: 10, test: 10 }],
    [100, {}, ['test'], { train: 90, val: 10, test: 0 }],
    [100, {}, ['val', 'test'], { train: 100, val: 0, test: 0 }],
    [5, {}, [], { train: 3, val: 1, test: 1 }],
    [100, { train: 60 }, [], { train: 60, val: 0, test: 0 }],
    [100, { val: 20 }, [], { train: 80, val: 20, test: 0 }],
    [100, { train: 45, val: 5, test: 70 }, ['test'], { train: 45, val: 5, test: 0 }],
    [100, { test: 10_000 }, ['test'], { train: 90, val: 10, test: 0 }],
    [10, { test: 10 }, [], { train: 0, val: 0, test: 10 }],
    [10, { train: 0, test: 10 }, [], { train: 0, val: 0, test: 10 }],
    [2, {}, [], { train: 0, val: 1, test: 1 }],
    [100, { train: { share: 0.8 }, val: { share: 0.2 } }, [], { train: 80, val: 20, test: 0 }],
    [100, { val: { share: 0.25 } }, [], { train: 75, val: 25, test: 0 }],
    [10, { train: { share: 0.7 }, val: { share: 0.2 }, test: { share: 0.1 } }, [], { train: 7, val: 2, test: 1 }],
    [7, { train: { share: 0.5 }, val: { share: 0.5 } }, [], { train: 4, val: 3, test: 0 }],
    [100, { train: { share: 0.5 }, test: 10 }, [], { train: 50, val: 0, test: 10 }],
    [100, { train: { share: 1 }, test: { share: 1 } }, ['test'], { train: 100, val: 0, test: 0 }],
  ] as const)('of %i samples with %j asked and %j apart are %j', (pool, asked, own, counts) => {
    expect(resolveCounts(pool, asked, own, 'it')).toEqual(counts);
  });

  it.each([
    [100, { train: 90, val: 20 }, 'the split (train = 90, val = 20) needs 110 samples, but it has 100'],
    [1, {}, 'the split (val = 1, test = 1) needs 2 samples, but it has 1'],
    [10, { test: 11 }, 'the split (test = 11) needs 11 samples, but it has 10'],
    [0, { train: 1 }, 'the split (train = 1) needs 1 samples, but it has 0'],
    [100, { train: 0.5 }, 'sizes that are no integers'],
    [
      100,
      { train: { share: 0.8 }, val: { share: 0.3 } },
      'the shares of the split (train = 80%, val = 30%) are more than',
    ],
    [100, { train: { share: 0.8 }, val: 21 }, 'the split (train = 80%, val = 21) needs 101 samples, but it has 100'],
    [2, { train: { share: 0.8 }, val: { share: 0.2 } }, 'val = 20% of the 2 samples of it is none'],
  ] as const)('of %i samples refuse %j', (pool, asked, message) => {
    expect(faultOf(() => resolveCounts(pool, asked, [], 'it'))).toMatch(/^E0719: /);
    expect(faultOf(() => resolveCounts(pool, asked, [], 'it'))).toContain(message);
  });

  it('take some of a part that lies apart', () => {
    expect([...takeIndices(3, undefined, 0, 'it')]).toEqual([0, 1, 2]);
    expect(new Set(takeIndices(100, 30, 0, 'it')).size).toBe(30);
    expect(faultOf(() => takeIndices(3, 4, 0, 'it'))).toBe('E0719: the split asks for 4 samples of it, which has 3');
  });
});
