/** Whether a folder may become that of a run: what cnnc has not made itself is never written over. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as v from 'valibot';
import { RuntimeFault } from '../../errors.ts';
import { recipeSchema } from '../../train/recipe.ts';
import { isCheckpointName } from './checkpoint-files.ts';
import { readText, systemErrorCode, unreadable } from '../file-access.ts';

export const recipeName = 'recipe.json';

/**
 * Throws E0723 where the folder holds files and none that says that they are a run's. Hidden ones do not count: no run
 * has such. Throws E0710 where the folder cannot be read.
 */
export async function refuseForeign(folder: string): Promise<void> {
  const [first] = await namesIn(folder);
  if (first === undefined || (await holdsRun(folder))) return;
  throw new RuntimeFault(
    'E0723',
    'environment',
    `${folder} holds ${first} and is no run of cnnc, so it is left alone`,
    'choose another folder, or empty this one',
  );
}

/** Whether a run was begun there, or in a folder of it as those that finetuning has; checkpoints are judged when they are read. */
async function holdsRun(folder: string): Promise<boolean> {
  const names = await namesIn(folder);
  if (names.some(isCheckpointName) || (await isRecipe(join(folder, recipeName)))) return true;
  for (const name of names) if (await isRecipe(join(folder, name, recipeName))) return true;
  return false;
}

/** A folder is gone on with where that is asked for. */
export const alreadyRun = (folder: string): RuntimeFault =>
  new RuntimeFault(
    'E0723',
    'environment',
    `${folder} holds a training run already`,
    'go on with it by --resume, choose another folder, or remove this one',
  );

async function isRecipe(path: string): Promise<boolean> {
  try {
    return v.safeParse(recipeSchema, JSON.parse(await readText(path))).success;
  } catch {
    // Absent, unreadable or no JSON: then it is not one that we wrote.
    return false;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder)).filter((name) => !name.startsWith('.')).toSorted();
  } catch (error) {
    const code = systemErrorCode(error);
    // A file in its place is told when the folder is made.
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw unreadable(folder, error);
  }
}
