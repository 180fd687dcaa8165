/** The checks of every kind of stage, by the word of its directive. */
import { distillChecks } from '../distill/check-distill.ts';
import { pruneChecks } from '../prune/check-prune.ts';
import { quantizeChecks } from '../quantize/check-quantize.ts';
import { trainChecks } from '../train/check-train.ts';
import type { StageChecks } from './stage-checks.ts';
import type { StageWord } from '../run/stage-graph.ts';

export const stageChecks: Readonly<Record<StageWord, StageChecks>> = {
  train: trainChecks,
  prune: pruneChecks,
  distill: distillChecks,
  quantize: quantizeChecks,
};
