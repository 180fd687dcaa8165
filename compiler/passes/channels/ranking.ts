/** In which order classes of channels go: the least important first, within what each layer may lose. */
import type { ChannelAnalysis, ChannelGroup } from './analyze.ts';

export interface RankingOptions {
  /** By class; NaN holds a class. */
  readonly importance: Float64Array;
  /** One ranking of all classes, each measured by the mean of its group; otherwise every group loses the same share. */
  readonly isGlobal: boolean;
  /** Channel counts of groups that lose any stay or become multiples of this. */
  readonly roundTo: number;
  /** The largest share of its channels that a group may lose. */
  readonly maxRatio: number;
  /** Classes that stay. */
  readonly held: ReadonlySet<number>;
  /** Classes that are gone already: they come first. */
  readonly gone?: ReadonlySet<number>;
}

/** Classes in the order in which they go; a class that may never go is left out. */
export interface Ranking {
  readonly order: readonly number[];
  /** How many of the order are gone already. */
  readonly gone: number;
  /** The first so many of the order, less those that rounding keeps: what one count removes, a larger one removes too. */
  readonly firstOf: (count: number) => Set<number>;
}

interface Candidate {
  readonly id: number;
  readonly group: number;
  /** What the order goes by. */
  readonly rank: number;
  readonly score: number;
}

function candidatesOf({ groups }: ChannelAnalysis, options: RankingOptions): Candidate[] {
  const { importance, isGlobal, held, gone } = options;
  const candidates = groups.flatMap(({ classes }, group) => {
    const scored = classes.map(({ id }) => ({ id, group, score: gone?.has(id) ? -1 : (importance[id] ?? NaN) }));
    const known = scored.filter(({ score }) => score >= 0);
    const mean = known.reduce((sum, { score }) => sum + score, 0) / known.length;
    const free = scored.filter(({ id, score }) => !held.has(id) && !Number.isNaN(score));
    const sorted = free.toSorted((a, b) => a.score - b.score || a.id - b.id);
    const rankOf = (score: number, at: number): number => {
      if (score < 0) return -1;
      // A group of which all scores are zero matters as little as can be.
      return isGlobal ? (mean > 0 ? score / mean : 0) : (at + 1) / classes.length;
    };
    return sorted.map((each, at) => ({ ...each, rank: rankOf(each.score, at) }));
  });
  return candidates.toSorted((a, b) => a.rank - b.rank || a.id - b.id);
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** How many classes a group keeps at least, and in steps of how many. */
function stepOf({ width }: ChannelGroup, roundTo: number): number {
  return roundTo / gcd(roundTo, width);
}

/** Takes candidates in their order as long as every axis of a value keeps a channel and every group its share. */
function admitted(analysis: ChannelAnalysis, options: RankingOptions): Candidate[] {
  const { groups, axes } = analysis;
  const left = axes.map((classes) => new Set(classes).size);
  const axesOf = new Map<number, number[]>();
  for (const [axis, classes] of axes.entries()) {
    for (const id of new Set(classes)) axesOf.set(id, [...(axesOf.get(id) ?? []), axis]);
  }
  const allowed = groups.map((group) => {
    const count = group.classes.length;
    return Math.min(Math.floor(options.maxRatio * count), count - Math.min(count, stepOf(group, options.roundTo)));
  });
  return candidatesOf(analysis, options).filter(({ id, group }) => {
    const own = axesOf.get(id) ?? [];
    if ((allowed[group] ?? 0) < 1 || own.some((axis) => (left[axis] ?? 0) < 2)) return false;
    allowed[group] = (allowed[group] ?? 0) - 1;
    for (const axis of own) left[axis] = (left[axis] ?? 0) - 1;
    return true;
  });
}

export function rankChannels(analysis: ChannelAnalysis, options: RankingOptions): Ranking {
  const order = admitted(analysis, options);
  const firstOf = (count: number): Set<number> => {
    const byGroup = new Map<number, number[]>();
    for (const { id, group } of order.slice(0, count)) byGroup.set(group, [...(byGroup.get(group) ?? []), id]);
    const removed = [...byGroup].flatMap(([index, ids]) => {
      const group = analysis.groups[index];
      return group ? ids.slice(0, roundedCount(group, ids.length, options.roundTo)) : [];
    });
    return new Set(removed);
  };
  return { order: order.map(({ id }) => id), gone: options.gone?.size ?? 0, firstOf };
}

/** The most classes up to `count` after which the group's channels are a multiple of `roundTo`; else none. */
function roundedCount(group: ChannelGroup, count: number, roundTo: number): number {
  const step = stepOf(group, roundTo);
  const kept = Math.ceil((group.classes.length - count) / step) * step;
  return Math.max(0, group.classes.length - kept);
}
