/** What the stages of one command share: the program, its models, folders, and what the command line says. */
import { dirname, join, resolve } from 'node:path';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import { resolveDataPath } from '../../analyze/host.ts';
import { nodeHost, type AnalyzedProgram } from '../../analyze/index.ts';
import type { ModelWeights } from '../../driver/model-weights.ts';
import { modelOf, type SourceModel } from '../../driver/project.ts';
import type { RecipeOverrides } from '../train/recipe.ts';
import type { StageNode } from './stage-graph.ts';
import { datasetsOf } from './stage-identity.ts';
import { trainingDirective } from '../train/training-directive.ts';
import { draftRecipe } from '../train/from-directive.ts';
import { learningOf } from '../train/training-settings.ts';

export interface StageSetup {
  readonly program: AnalyzedProgram;
  /** Values of model parameters, as `-P` gives them. */
  readonly arguments: Readonly<Record<string, string>> | undefined;
  readonly overrides: RecipeOverrides;
  /** Weights that `root` starts from, as `--weights` names them. */
  readonly weights: ModelWeights | undefined;
  /** Where the chain begins; teachers come from chains of their own, which flags for models do not mean. */
  readonly root?: StageNode | undefined;
  readonly folderOf: (stage: StageNode) => string;
}

/** The given weights, where they are meant for this stage. */
export const givenWeights = ({ weights, root }: StageSetup, stage: StageNode): ModelWeights | undefined =>
  root === undefined || root === stage ? weights : undefined;

/** Stages lie beside each other in one folder. */
export const folderIn =
  (parent: string) =>
  ({ name }: StageNode): string =>
    join(parent, name);

/** The model of a stage as declared, with the sizes that its training binds. Throws as `modelOf` does. */
export function declaredModel({ program, arguments: given, root }: StageSetup, stage: StageNode): SourceModel {
  const args = root === undefined || root.model === stage.model ? given : undefined;
  const { N: _, ...dims } = learningOf(trainingDirective(stage)).shape;
  return modelOf(program, stage.model, { arguments: args, dims });
}

/** Where a file lies that the source names: beside it, else under `$CNNC_DATA`. */
export const locateFrom =
  ({ file }: AnalyzedProgram) =>
  (path: string): string =>
    resolve(resolveDataPath(nodeHost(), join(dirname(file.path), 'source'), path));

/** What a stage is measured on, and how; undefined where neither it nor the stages before it name a dataset. */
export function recipeOfStage({ overrides }: StageSetup, stage: StageNode, source: SourceModel): Recipe | undefined {
  const directive = trainingDirective(stage);
  const [data] = datasetsOf(directive.settings);
  if (data === undefined) return undefined;
  const settings = new Map(directive.settings);
  settings.set('data', { kind: 'name', value: data, span: directive.declaration.word.span });
  return draftRecipe({ ...source, directive: { ...directive, settings } }, overrides, []);
}
