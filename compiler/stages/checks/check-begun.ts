/** Whether a stage can run in the folder that an earlier run has left, told before its data is read. */
import { readLatestCheckpoint } from '../../../runtime/node/run/checkpoint-files.ts';
import { alreadyRun } from '../../../runtime/node/run/own-run.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { otherRun } from '../../../runtime/train/checkpoint.ts';
import { recipeChanges } from '../../../runtime/train/recipe-changes.ts';
import { begunRun } from './begun-run.ts';
import type { Inquiry } from './stage-checks.ts';
import type { StageNode } from '../run/stage-graph.ts';
import type { StageStatus } from '../run/stage-status.ts';
import { draftRecipe } from '../train/from-directive.ts';
import { trainingDirective } from '../train/training-directive.ts';

export interface Intent {
  readonly resume: boolean;
  /** A finished run goes on, too. */
  readonly alone: boolean;
}

/**
 * Throws E0723 where the folder is that of another stage, or holds a run that is to go on only with `--resume`; E0717
 * where it is to go on with settings that are others, and E0716 where none of its checkpoints is whole.
 */
export async function checkBegun(
  inquiry: Inquiry,
  status: StageStatus | undefined,
  { resume, alone }: Intent,
): Promise<void> {
  const { setup, stage } = inquiry;
  const path = setup.folderOf(stage);
  if (status?.kind === 'stale') refuseOther(path, stage, status.folder.record);
  if (status?.kind === 'unfinished' && !resume) throw alreadyRun((await begunRun(path)) ?? path);
  if (!resume || !(status?.kind === 'unfinished' || (status?.kind === 'stale' && alone))) return;
  // Trainings inside of a stage have recipes of their own, which the stage works out as it goes.
  if (stage.word === 'train' || stage.word === 'distill') await refuseOtherRecipe(inquiry, path, status.kind);
}

function refuseOther(path: string, stage: StageNode, { name, word }: Pick<StageNode, 'name' | 'word'>): void {
  if (name === stage.name && word === stage.word) return;
  const message = `${path} holds ${word} ${name} already`;
  throw new RuntimeFault('E0723', 'environment', message, 'choose another folder with -o, or remove this one');
}

async function refuseOtherRecipe({ setup, stage, source }: Inquiry, path: string, kind: StageStatus['kind']) {
  const found = await readLatestCheckpoint(path);
  if (!found) return;
  const { recipe: saved } = found.checkpoint;
  const training = { ...source, directive: trainingDirective(stage) };
  const drafted = draftRecipe(training, setup.overrides, saved.scalars);
  // Names of classes come from the data.
  const changes = recipeChanges(saved, { ...drafted, target: { ...drafted.target, names: saved.target.names } });
  if (changes.length === 0) return;
  const anew =
    kind === 'stale'
      ? `without --resume a new run begins, and this one is kept as ${path}.previous`
      : 'a new run begins in another folder, as -o names it';
  const more = `train more for ${stage.model} { from = ${stage.name} ... }`;
  throw otherRun(changes, `restore these settings; ${anew}; to go on from its weights, add a stage: \`${more}\``);
}
