/** What runs a stage, by the word of its directive. */
import { diagnostic } from '../../grammar/diagnostics.ts';
import { SourceError } from '../cli/failure.ts';
import { distillStage } from './distill.ts';
import { pruneStage } from './prune.ts';
import { quantizeStage } from './quantize.ts';
import type { StageFunction } from './stage-context.ts';
import type { StageNode, StageWord } from './stage-graph.ts';
import { trainStage } from './train-stage.ts';

const functions: Readonly<Partial<Record<StageWord, StageFunction>>> = {
  train: trainStage,
  prune: pruneStage,
  distill: distillStage,
  quantize: quantizeStage,
};

/** Throws SourceError (E0611) at the directive's word where nothing runs it. */
export function stageFunction({ word, directive }: StageNode): StageFunction {
  const found = functions[word];
  if (found) return found;
  throw new SourceError([diagnostic('E0611', directive.declaration.word.span, `this cnnc cannot run \`${word}\` yet`)]);
}
