/** What runs a stage, by the word of its directive. */
import { distillStage } from '../distill/distill.ts';
import { pruneStage } from '../prune/prune.ts';
import { quantizeStage } from '../quantize/quantize.ts';
import type { StageFunction } from './stage-context.ts';
import type { StageWord } from './stage-graph.ts';
import { trainStage } from '../train/train-stage.ts';

export const stageFunctions: Readonly<Record<StageWord, StageFunction>> = {
  train: trainStage,
  prune: pruneStage,
  distill: distillStage,
  quantize: quantizeStage,
};
