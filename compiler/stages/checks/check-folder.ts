/** Whether the folder of a stage is free for it. */
import { refuseForeign } from '../../../runtime/node/run/own-run.ts';
import type { Inquiry } from './stage-checks.ts';
import { readStageFolder } from '../run/stage-folder.ts';

/** Throws E0723 for a folder of other things; one of another stage is refused, or set aside, when the stage runs. */
export async function checkFolder({ setup, stage }: Inquiry): Promise<void> {
  const path = setup.folderOf(stage);
  if (!(await readStageFolder(path))) await refuseForeign(path);
}
