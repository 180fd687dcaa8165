/** What the flags of commands that look at stages mean. */
import { existsSync } from 'node:fs';
import { readStageFolder } from '../stages/run/stage-folder.ts';
import { folderIn, type StageSetup } from '../stages/run/stage-setup.ts';
import type { Context } from './command.ts';
import type { StageFlags } from './stage-flags.ts';
import type { StagedProject } from '../stages/run/pick-stages.ts';
import { overridesOf } from './train-overrides.ts';

/** The folder may be that of one stage itself, as `cnnc train -o` leaves it where a single one ran. Throws E0724. */
export async function setupOf(
  context: Pick<Context, 'seed'>,
  { program }: Pick<StagedProject, 'program'>,
  flags: StageFlags,
): Promise<StageSetup> {
  const single = await readStageFolder(flags.runs);
  const beside = folderIn(flags.runs);
  return {
    program,
    arguments: flags.P,
    overrides: overridesOf(context, flags),
    weights: undefined,
    folderOf: (stage) =>
      single?.record.name === stage.name && !existsSync(beside(stage)) ? flags.runs : beside(stage),
  };
}
