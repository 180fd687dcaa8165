/** How many channels must go: the fewest of a ranking with which the pruned network itself meets a figure. */
import { evaluateDim, symbolsOf } from '../../ir/dim.ts';
import { macsOf } from '../../ir/macs.ts';
import type { Graph } from '../../ir/node.ts';
import { elementCount } from '../../ir/type.ts';
import type { ChannelAnalysis } from './analyze.ts';
import { pruneChannels, type PrunedGraph } from './prune.ts';
import type { Ranking } from './ranking.ts';
import { keptShapeOf } from './record.ts';

/** What a target speaks of: multiply-accumulates of one sample, learnt elements, or classes of channels. */
export type PruneFigure = 'macs' | 'params' | 'channels';

export interface FigureOptions {
  /** Of symbols other than the batch, which is one sample; others count 1. */
  readonly sizes: Readonly<Record<string, number>>;
  /** Of the graph that is pruned. */
  readonly parameters: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly trainable: boolean;
  }[];
}

/** Multiply-accumulates of one sample. */
export function macsAt(graph: Graph, sizes: FigureOptions['sizes']): number {
  const sum = macsOf(graph);
  const ones = Object.fromEntries(symbolsOf(sum).map((symbol) => [symbol, 1]));
  return evaluateDim(sum, { ...ones, ...sizes });
}

/** A figure of the network without some classes. */
export function prunedFigure(
  analysis: ChannelAnalysis,
  removed: ReadonlySet<number>,
  figure: PruneFigure,
  { sizes, parameters }: FigureOptions,
): number {
  if (figure === 'channels') return analysis.classes.length - removed.size;
  const { graph, kept } = pruneChannels(analysis, removed);
  if (figure === 'macs') return macsAt(graph, sizes);
  const learnt = parameters.filter(({ trainable }) => trainable);
  return learnt.reduce((sum, { name, shape }) => sum + elementCount(keptShapeOf(shape, kept[name] ?? {})), 0);
}

export type Solution =
  | { readonly isReached: true; readonly removed: Set<number>; readonly figure: number; readonly pruned: PrunedGraph }
  /** `least` is the figure without all that may go. */
  | { readonly isReached: false; readonly least: number };

/** The fewest classes of the ranking with which the figure is at most `most`, by bisection: removals are nested. */
export function solveRemoval(
  analysis: ChannelAnalysis,
  ranking: Ranking,
  figure: PruneFigure,
  most: number,
  options: FigureOptions,
): Solution {
  const figureOf = (count: number): number => prunedFigure(analysis, ranking.firstOf(count), figure, options);
  const least = figureOf(ranking.order.length);
  if (least > most) return { isReached: false, least };
  let [low, high] = [Math.min(ranking.gone, ranking.order.length), ranking.order.length];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (figureOf(middle) <= most) high = middle;
    else low = middle + 1;
  }
  const removed = ranking.firstOf(low);
  const pruned = pruneChannels(analysis, removed);
  return { isReached: true, removed, figure: figureOf(low), pruned };
}
