/** Data of a stage, opened as it will be when the stage runs, and closed again. */
import { RuntimeFault } from '../../../runtime/errors.ts';
import { scoresFor } from '../../../runtime/node/align-classes.ts';
import { openLoader, type LoaderOptions } from '../../../runtime/node/loader.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import { checkMonitors } from '../../../runtime/train/loop/monitors.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import { exitCodes, SourceError } from '../../driver/failure.ts';
import { boundModel } from '../../train/bound-model.ts';
import { TrainingFault } from '../../train/training-fault.ts';
import { missingPath } from './missing-path.ts';
import type { DataUse, Inquiry } from './stage-checks.ts';
import { draftRecipe, imageSizeOf } from '../train/from-directive.ts';

/**
 * Throws what opening the data would throw, and what any of its samples would as far as files tell without decoding; a
 * SourceError where the path of its dataset leads nowhere.
 */
export async function checkData(inquiry: Inquiry, use: DataUse): Promise<void> {
  const recipe = recipeFor(inquiry, use);
  try {
    await openAsUsed(inquiry, use, recipe);
  } catch (error) {
    const isUnreadable = error instanceof RuntimeFault && error.code === 'E0710';
    const missing = isUnreadable ? await missingPath(inquiry.setup, recipe.data) : undefined;
    throw missing ? new SourceError([missing.shown], exitCodes.environment) : error;
  }
}

async function openAsUsed(inquiry: Inquiry, use: DataUse, recipe: Recipe): Promise<void> {
  const { target, augment } = recipe;
  const { measured } = use;
  const options = { target: target.kind, scores: scoresFor(target, inquiry.stage.model), needsTraining: !measured };
  const data = await openTrainingData(recipe.data, '.', options);
  const open = async (part: Pick<LoaderOptions, 'split' | 'mode' | 'augment'>): Promise<void> => {
    const loader = await openLoader({ ...loaderSettings(inquiry, use, recipe), data, ...part });
    await loader.close();
  };
  try {
    if (!measured) {
      checkMonitors(recipe, data.val !== undefined);
      await open({ split: 'train', mode: 'train', augment });
      if (data.val) await open({ split: 'val', mode: 'evaluate' });
    } else if (data[measured.split] || !measured.isOptional) {
      await open({ split: measured.split, mode: measured.isWhole ? 'train' : 'evaluate' });
    }
  } catch (error) {
    // A result with open sizes is not measured.
    if (!(measured?.isOptional && error instanceof TrainingFault)) throw error;
  } finally {
    await data.close();
  }
}

/** The recipe of a training on the data, or of measuring it. Throws a TrainingFault where no data is named. */
export const recipeFor = ({ setup, source }: Inquiry, { directive }: DataUse): Recipe =>
  draftRecipe({ ...source, directive }, setup.overrides, []);

function loaderSettings({ source }: Inquiry, { directive }: DataUse, recipe: Recipe) {
  const { batch, limitBatches, seed, target } = recipe;
  const { image } = boundModel({ graph: source.graph, batch, imageSize: imageSizeOf(directive) });
  const [, channels = 1, height = 1, width = 1] = image.attrs.shape.map(Number);
  const input = { name: image.attrs.name, shape: [channels, height, width] as const };
  return { batch, limitBatches, seed, target, input, preprocess: source.preprocess?.steps ?? [], workers: 0 };
}
