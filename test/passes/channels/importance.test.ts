/** Importance by hand-written formulas, rankings and their limits, and targets met by the pruned network itself. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../../compiler/ir/type.ts';
import {
  analyzeChannels,
  channelImportance,
  macsAt,
  prunedFigure,
  pruneChannels,
  rankChannels,
  solveRemoval,
  type ChannelAnalysis,
  type RankingOptions,
} from '../../../compiler/passes/channels/index.ts';
import { built } from '../../analyze/memory-host.ts';
import { f32 } from '../../ops/check-op.ts';
import { drawWeights, withParameters } from './pruned-case.ts';
import { networkOf, plannedNetworks } from './random-network.ts';

const model = (body: string, input = 'f32[N, 2, 4, 4]'): string => `model M(x: ${input}) {\n${body}\n}`;

const chain = built(model('return x |> a: conv(2, k=1) |> n: bn |> relu |> b: conv(1, k=1)'));
const analysis = analyzeChannels(chain.graph);
/** a = [[1, -2], [3, 4]], gamma = [-0.5, 2], b = [[10, -20]]. */
const weights = new Map<string, Tensor>([
  ['a.weight', f32([2, 2, 1, 1], [1, -2, 3, 4])],
  ['a.bias', f32([2], [100, 100])],
  ['n.weight', f32([2], [-0.5, 2])],
  ['n.bias', f32([2], [7, 7])],
  ['n.running_mean', f32([2], [9, 9])],
  ['n.running_var', f32([2], [1, 1])],
  ['b.weight', f32([1, 2, 1, 1], [10, -20])],
  ['b.bias', f32([1], [3])],
]);

describe('importance', () => {
  it('l1 is the mean of the slices of weights and scales', () => {
    const scores = channelImportance(analysis, { kind: 'l1' }, { weights });
    expect([...scores]).toEqual([(3 + 0.5 + 10) / 3, (7 + 2 + 20) / 3]);
  });

  it('l2 sums squares', () => {
    const scores = channelImportance(analysis, { kind: 'l2' }, { weights });
    expect([...scores]).toEqual([(5 + 0.25 + 100) / 3, (25 + 4 + 400) / 3]);
  });

  it('bn_scale reads gammas alone, and says nothing of channels without', () => {
    expect([...channelImportance(analysis, { kind: 'bn_scale' }, { weights })]).toEqual([0.5, 2]);
    const bare = built(model('return x |> a: conv(2, k=1) |> b: conv(1, k=1)'));
    const scores = channelImportance(analyzeChannels(bare.graph), { kind: 'bn_scale' }, { weights });
    expect([...scores]).toEqual([NaN, NaN]);
  });

  it('taylor is the mean of the slices of all that is learnt, each the sum of |w dL/dw|', () => {
    const gradients = new Map<string, Tensor>([
      ['a.weight', f32([2, 2, 1, 1], [1, 1, 2, 0])],
      ['a.bias', f32([2], [0.5, 0])],
      ['n.weight', f32([2], [4, -1])],
      ['n.bias', f32([2], [0, 1])],
      ['b.weight', f32([1, 2, 1, 1], [-10, 0.1])],
    ]);
    const scores = channelImportance(analysis, { kind: 'taylor' }, { weights, gradients });
    expect([...scores]).toEqual([(1 + 2 + 50 + 2 + 0 + 100) / 5, (6 + 0 + 0 + 2 + 7 + 2) / 5]);
    expect(() => channelImportance(analysis, { kind: 'taylor' }, { weights })).toThrow(RangeError);
  });

  it('random is what is drawn', () => {
    const draw = (count: number): number[] => Array.from({ length: count }, (_, at) => 0.25 + at / 4);
    expect([...channelImportance(analysis, { kind: 'random', draw }, { weights })]).toEqual([0.25, 0.5]);
  });

  it('counts all pixels of a flattened channel as one slice', () => {
    const flat = built(model('return x |> a: conv(2, k=1, bias=false) |> flatten |> d: linear(1)', 'f32[N, 1, 1, 2]'));
    const given = new Map<string, Tensor>([
      ['a.weight', f32([2, 1, 1, 1], [1, 2])],
      ['d.weight', f32([1, 4], [1, 2, 3, 4])],
    ]);
    const scores = channelImportance(analyzeChannels(flat.graph), { kind: 'l1' }, { weights: given });
    expect([...scores]).toEqual([(1 + 3) / 2, (2 + 7) / 2]);
  });
});

const two = built(model('return x |> a: conv(8, k=1) |> relu |> b: conv(12, k=1) |> relu |> c: conv(1, k=1)'));
const pair = analyzeChannels(two.graph);
const options = (given: Partial<RankingOptions>): RankingOptions => ({
  importance: Float64Array.from({ length: 20 }, (_, id) => (id < 8 ? 100 + id : 1 + id)),
  isGlobal: false,
  roundTo: 1,
  maxRatio: 1,
  held: new Set(),
  ...given,
});
const perGroup = ({ groups }: ChannelAnalysis, removed: ReadonlySet<number>): number[] =>
  groups.map(({ classes }) => classes.filter(({ id }) => removed.has(id)).length);

describe('rankings', () => {
  it('of groups for themselves take the same share of each, least first', () => {
    const { firstOf } = rankChannels(pair, options({}));
    expect(perGroup(pair, firstOf(10))).toEqual([4, 6]);
    expect([...firstOf(5)].toSorted((a, b) => a - b)).toEqual([0, 1, 8, 9, 10]);
  });

  it('of all classes together measure each by the mean of its group', () => {
    const importance = Float64Array.from({ length: 20 }, (_, id) => (id < 8 ? 100 : ([1, 1, 1, 30][id % 4] ?? 1)));
    const { firstOf } = rankChannels(pair, options({ isGlobal: true, importance }));
    expect(perGroup(pair, firstOf(9))).toEqual([0, 9]);
    expect(perGroup(pair, firstOf(12))).toEqual([3, 9]);
  });

  it('keep multiples, a share, one channel, and what is held', () => {
    const count = (given: Partial<RankingOptions>, first = 99): number[] =>
      perGroup(pair, rankChannels(pair, options(given)).firstOf(first));
    expect(count({})).toEqual([7, 11]);
    expect(count({ roundTo: 4 })).toEqual([4, 8]);
    expect(count({ roundTo: 4 }, 11)).toEqual([4, 4]);
    expect(count({ roundTo: 16 })).toEqual([0, 0]);
    expect(count({ maxRatio: 0.5 })).toEqual([4, 6]);
    expect(count({ held: new Set([0, 1, 2, 3, 4, 5, 6, 7]) })).toEqual([0, 11]);
    const importance = Float64Array.from({ length: 20 }, (_, id) => (id < 8 ? NaN : id));
    expect(count({ importance })).toEqual([0, 11]);
  });

  it('count channels of grouped convolutions by the groups', () => {
    const grouped = built(model('return x |> a: conv(8, k=1) |> b: conv(16, k=1, groups=2) |> c: conv(1, k=1)'));
    const found = analyzeChannels(grouped.graph);
    expect(found.groups.map(({ width }) => width)).toEqual([2, 2]);
    const importance = new Float64Array(12).fill(1);
    const { firstOf } = rankChannels(found, options({ importance, roundTo: 4 }));
    expect(perGroup(found, firstOf(12))).toEqual([2, 6]);
  });

  it('never empty a part of a split', () => {
    const halves = built(
      model(
        'let (p, q) = x |> a: conv(4, k=1) |> split(parts=2)\n  return concat(p |> b: conv(1, k=1), q |> c: conv(1, k=1))',
      ),
    );
    const found = analyzeChannels(halves.graph);
    const { firstOf } = rankChannels(found, options({ importance: Float64Array.of(1, 2, 3, 4) }));
    expect([...firstOf(9)]).toEqual([0, 2]);
  });
});

describe('targets', () => {
  const of = (given: Partial<RankingOptions>) => rankChannels(pair, options(given));
  const figures = { sizes: {}, parameters: two.parameters };

  it('are met by the fewest channels', () => {
    const before = macsAt(two.graph, {});
    for (const share of [0.9, 0.5, 0.3]) {
      const solution = solveRemoval(pair, of({}), 'macs', before * share, figures);
      if (!solution.isReached) throw new Error(`least ${solution.least}`);
      expect(solution.figure).toBe(macsAt(solution.pruned.graph, {}));
      expect(solution.figure).toBeLessThanOrEqual(before * share);
      const fewer = of({}).firstOf(solution.removed.size - 1);
      expect(prunedFigure(pair, fewer, 'macs', figures)).toBeGreaterThan(before * share);
    }
  });

  it('count learnt elements as PyTorch does', () => {
    expect(prunedFigure(pair, new Set(), 'params', figures)).toBe(2 * 8 + 8 + 8 * 12 + 12 + 12 + 1);
    expect(prunedFigure(pair, new Set([0, 8]), 'params', figures)).toBe(2 * 7 + 7 + 7 * 11 + 11 + 11 + 1);
  });

  it('out of reach tell the least figure', () => {
    const solution = solveRemoval(pair, of({}), 'params', 5, figures);
    expect(solution).toEqual({ isReached: false, least: 2 + 1 + 1 + 1 + 1 + 1 });
  });

  it('that hold already remove nothing', () => {
    const solution = solveRemoval(pair, of({}), 'channels', 20, figures);
    expect(solution.isReached && solution.removed.size).toBe(0);
  });

  it('are met on random networks, where a larger share removes what a smaller one does', () => {
    fc.assert(
      fc.property(plannedNetworks, fc.boolean(), fc.constantFrom(1, 2, 4), (plan, isGlobal, roundTo) => {
        const { graph } = withParameters(networkOf(plan));
        const found = analyzeChannels(graph);
        const importance = channelImportance(found, { kind: 'l2' }, drawWeights(graph, 1));
        const ranking = rankChannels(found, { importance, isGlobal, roundTo, maxRatio: 0.8, held: new Set() });
        let smaller: ReadonlySet<number> = new Set();
        for (let count = 0; count <= ranking.order.length; count += 3) {
          const removed = ranking.firstOf(count);
          expect([...smaller].every((id) => removed.has(id))).toBe(true);
          smaller = removed;
        }
        for (const { classes, width } of found.groups) {
          const kept = classes.filter(({ id }) => !smaller.has(id)).length;
          if (kept < classes.length) expect((kept * width) % roundTo).toBe(0);
          expect(classes.length - kept).toBeLessThanOrEqual(0.8 * classes.length);
        }
        expect(() => pruneChannels(found, ranking.firstOf(ranking.order.length))).not.toThrow();
      }),
      { numRuns: 200 },
    );
  });
});
