/** Names of a model's scores before a stage runs: those that its weights carry, its source gives, or its data has. */
import { RuntimeFault } from '../../../runtime/errors.ts';
import { settleNames } from '../../../runtime/class-names.ts';
import { scoresFor } from '../../../runtime/node/align-classes.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import type { SourceModel } from '../../driver/project.ts';
import { stagesOf, type StageNode } from './stage-graph.ts';
import { recipeOfStage, type StageSetup } from './stage-setup.ts';
import { withNames } from '../../driver/compile-model.ts';
import type { StagedModel } from './staged-model.ts';

export interface NamedInput {
  readonly model: StagedModel;
  /** What was settled between weights, source and data, for people. */
  readonly notes: readonly string[];
}

/** What a stage starts from; `carried` are the names that its weights have. */
export interface UnnamedInput {
  readonly model: StagedModel;
  /** How messages name the weights. */
  readonly weights: string;
  readonly carried: readonly string[] | undefined;
}

/**
 * The input of a stage with names for its scores, compared with the data that the stage names. A training on other
 * classes altogether teaches these. Throws E0714 where names or numbers differ, and what opening the data throws.
 */
export async function namedInput(
  setup: StageSetup,
  stage: StageNode,
  source: SourceModel,
  { model, weights, carried }: UnnamedInput,
): Promise<NamedInput> {
  const given = source.preprocess?.labels;
  const recipe = recipeOfStage(setup, stage, source);
  const learns = stage.word === 'train' || stage.word === 'distill';
  const own = learns && carried && recipe && !given ? await namesInData(recipe) : undefined;
  const isOther = own !== undefined && !own.some((name) => carried?.includes(name) === true);
  const settled = settleNames({ model: model.name, weights, carried: isOther ? undefined : carried, given });
  const notes = [
    ...(isOther ? [`the classes of the data are none of those of ${weights}: they are learnt anew`] : []),
    ...(settled.note === undefined ? [] : [settled.note]),
  ];
  if (!recipe) return { model: { ...model, preprocess: withNames(model.preprocess, settled.names) }, notes };
  const found = await compared({ ...recipe, target: targetWith(recipe, settled.names) }, model.name);
  const names = settled.names ?? found;
  return { model: { ...model, preprocess: withNames(model.preprocess, names) }, notes };
}

/** The source with the names that the scores of a staged model have. */
export const asNamed = (source: SourceModel, { preprocess }: StagedModel): SourceModel => ({
  ...source,
  preprocess: withNames(source.preprocess, preprocess?.labels),
});

function targetWith({ target: given }: Recipe, names: readonly string[] | undefined): Recipe['target'] {
  const { names: _, ...target } = given;
  return names ? { ...target, names: [...names] } : target;
}

async function compared({ data: spec, target }: Recipe, model: string) {
  const scores = scoresFor(target, model);
  const data = await openTrainingData(spec, '.', { target: target.kind, scores, needsTraining: false });
  try {
    return data.classNames;
  } finally {
    await data.close();
  }
}

async function namesInData({ data: spec, target }: Recipe): Promise<readonly string[] | undefined> {
  const data = await openTrainingData(spec, '.', { target: target.kind, needsTraining: false });
  await data.close();
  return data.classNames;
}

/**
 * Names for a model whose weights and source have none: those of the data of its training, where that lies here. Throws
 * E0714 where the data has another number of classes than the model.
 */
export async function namesFromData(
  setup: StageSetup,
  source: SourceModel,
): Promise<{ readonly names: readonly string[]; readonly from: string } | undefined> {
  const stage = stagesOf(source.program.directives).find(
    ({ word, model }) => word === 'train' && model === source.model.name,
  );
  const recipe = stage && recipeOfStage(setup, stage, source);
  if (!recipe) return undefined;
  const { format, path, images } = recipe.data;
  // What a training is given by `--data` is not known here.
  if (format !== 'synthetic' && path === undefined && images === undefined) return undefined;
  try {
    await compared(recipe, source.model.name);
    // In the order of the data itself.
    const names = await namesInData(recipe);
    return names && { names, from: recipe.data.name };
  } catch (error) {
    // A build needs no data: weights may come from elsewhere.
    if (error instanceof RuntimeFault && error.code === 'E0710') return undefined;
    throw error;
  }
}
