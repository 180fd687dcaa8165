/** Structured pruning of graphs: which channels go together, the graph without some of them, and its weights. */
export {
  analyzeChannels,
  type ChannelAnalysis,
  type ChannelClass,
  type ChannelGroup,
  type ChannelMember,
} from './analyze.ts';
export { pruneChannels, rebuildPruned, type PrunedGraph } from './prune.ts';
export {
  composeRecords,
  keptParameters,
  keptTensor,
  keptWeights,
  restoredTensor,
  type ChannelRecord,
  type KeptAxes,
} from './record.ts';
export { channelRules, withoutChannelRule } from './rules/index.ts';
export { channelImportance, type Criterion, type LearntTensors } from './importance.ts';
export { rankChannels, type Ranking, type RankingOptions } from './ranking.ts';
export { macsAt, prunedFigure, solveRemoval, type FigureOptions, type PruneFigure, type Solution } from './solve.ts';
