/** Structured pruning of graphs: which channels go together, the graph without some of them, and its weights. */
export { analyzeChannels, type ChannelAnalysis } from './analyze.ts';
export { pruneChannels, rebuildPruned } from './prune.ts';
export {
  composeRecords,
  keptParameters,
  keptTensor,
  keptWeights,
  restoredTensor,
  type ChannelRecord,
} from './record.ts';
export { channelRules, withoutChannelRule } from './rules/index.ts';
export { channelImportance, type Criterion } from './importance.ts';
export { rankChannels, type RankingOptions } from './ranking.ts';
export { macsAt, prunedFigure, solveRemoval, type FigureOptions, type PruneFigure } from './solve.ts';
