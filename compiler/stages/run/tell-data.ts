/** Says once what data the stages of a command work on. */
import { scoresFor } from '../../../runtime/node/align-classes.ts';
import { accountLine } from '../../../runtime/node/data-account.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import { tellData } from './data-line.ts';
import type { StageRunning } from './run-context.ts';

const told = new WeakMap<StageRunning, Set<string>>();

/** Opens the data of a recipe, which checks it, and prints its line where no stage before it had the same. */
export async function tellStageData(running: StageRunning, model: string, recipe: Recipe | undefined): Promise<void> {
  if (!recipe) return;
  const { data: spec, target } = recipe;
  const lines = told.get(running) ?? new Set();
  told.set(running, lines);
  const scores = scoresFor(target, model);
  const key = JSON.stringify([spec, scores]);
  if (lines.has(key)) return;
  lines.add(key);
  const data = await openTrainingData(spec, '.', { target: target.kind, scores, needsTraining: false });
  try {
    tellData(running.reporter, accountLine(data.account), data.account, data.notes);
  } finally {
    await data.close();
  }
}
