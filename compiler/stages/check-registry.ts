/** The checks of every kind of stage, by the word of its directive. */
import { distillChecks } from './check-distill.ts';
import { pruneChecks } from './check-prune.ts';
import { quantizeChecks } from './check-quantize.ts';
import { trainChecks } from './check-train.ts';
import type { StageChecks } from './stage-checks.ts';
import type { StageWord } from './stage-graph.ts';

export const stageChecks: Readonly<Record<StageWord, StageChecks>> = {
  train: trainChecks,
  prune: pruneChecks,
  distill: distillChecks,
  quantize: quantizeChecks,
};
