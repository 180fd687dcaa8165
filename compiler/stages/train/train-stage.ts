/** The `train` stage: new weights for the same network. */
import type { CheckedDirective } from '../../analyze/index.ts';
import type { StageContext, StageResult } from '../run/stage-context.ts';
import type { StagedModel } from '../run/staged-model.ts';
import { compileTrainStage, type TrainingSource } from './from-directive.ts';
import { trainingDirective } from './training-directive.ts';

export async function trainStage(
  input: StagedModel,
  _directive: CheckedDirective,
  context: StageContext,
): Promise<StageResult> {
  const source = trainingSource(input, trainingDirective(context.stage), context);
  const { weights, result } = await context.train((isFused) =>
    compileTrainStage(source, context.overrides, { isFused }),
  );
  return { model: { ...input, weights }, figures: { steps: result.state.step, epochs: result.state.epoch } };
}

/** A staged model as the builders of training programs take it. */
export const trainingSource = (
  { name, graph, parameters, preprocess, weights }: StagedModel,
  directive: TrainingSource['directive'],
  { program, source }: Pick<StageContext, 'program' | 'source'>,
): TrainingSource => ({
  program,
  directive,
  model: { name },
  built: { ...source.built, graph, parameters },
  graph,
  preprocess,
  weights,
});
