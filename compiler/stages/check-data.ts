/** Data of a stage, opened as it will be when the stage runs, and closed again. */
import { scoresFor } from '../../runtime/node/align-classes.ts';
import { openLoader } from '../../runtime/node/loader.ts';
import { openTrainingData } from '../../runtime/node/training-data.ts';
import { checkMonitors } from '../../runtime/train/monitors.ts';
import type { Recipe } from '../../runtime/train/recipe.ts';
import type { SplitName } from '../../runtime/train/splits.ts';
import type { CheckedDirective } from '../analyze/index.ts';
import { boundModel } from '../train/bound-model.ts';
import type { Inquiry } from './stage-checks.ts';
import { draftRecipe, imageSizeOf } from './train.ts';

/** Throws what opening the data of a training and its first batch would throw, before a sample is decoded. */
export async function checkTrainingData(inquiry: Inquiry, directive: CheckedDirective): Promise<void> {
  const recipe = recipeFor(inquiry, directive);
  const { target, augment } = recipe;
  const scores = scoresFor(target, inquiry.stage.model);
  const data = await openTrainingData(recipe.data, '.', { target: target.kind, scores });
  try {
    checkMonitors(recipe, data.val !== undefined);
    const common = { ...loaderSettings(inquiry, directive, recipe), data };
    await openLoader({ ...common, split: 'train', mode: 'train', augment }).close();
    if (data.val) await openLoader({ ...common, split: 'val', mode: 'evaluate' }).close();
  } finally {
    await data.close();
  }
}

export interface Measured {
  /** Of a dataset; that of the training unless told. */
  readonly name: string | undefined;
  readonly split: SplitName;
  /** Whether only whole batches count. */
  readonly isWhole?: boolean;
}

/** The same for samples that are measured only: one part of a dataset, of which classes may be absent. */
export async function checkMeasuredData(
  inquiry: Inquiry,
  directive: CheckedDirective,
  { name, split, isWhole = false }: Measured,
): Promise<void> {
  const settings = new Map(directive.settings);
  const span = directive.declaration.word.span;
  if (name !== undefined) settings.set('data', { kind: 'name', value: name, span });
  const named = { ...directive, settings };
  const recipe = recipeFor(inquiry, named);
  const { target } = recipe;
  const options = { target: target.kind, scores: scoresFor(target, inquiry.stage.model), needsTraining: false };
  const data = await openTrainingData(recipe.data, '.', options);
  try {
    await openLoader({
      ...loaderSettings(inquiry, named, recipe),
      data,
      split,
      mode: isWhole ? 'train' : 'evaluate',
    }).close();
  } finally {
    await data.close();
  }
}

const recipeFor = ({ setup, source }: Inquiry, directive: CheckedDirective): Recipe =>
  draftRecipe({ ...source, directive }, setup.overrides, []);

function loaderSettings({ source }: Inquiry, directive: CheckedDirective, recipe: Recipe) {
  const { batch, limitBatches, seed, target } = recipe;
  const { image } = boundModel({ graph: source.graph, batch, imageSize: imageSizeOf(directive) });
  const [, channels = 1, height = 1, width = 1] = image.attrs.shape.map(Number);
  const input = { name: image.attrs.name, shape: [channels, height, width] as const };
  return { batch, limitBatches, seed, target, input, preprocess: source.preprocess?.steps ?? [], workers: 0 };
}
