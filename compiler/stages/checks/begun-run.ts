/** Where a training of a stage was begun: in its folder, or in those that its finetuning and its rounds have in there. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lastCheckpointName } from '../../../runtime/node/run/checkpoint-files.ts';
import { pathKind } from '../../../runtime/node/file-access.ts';

/** Whether this is the name of a training within a stage. */
export const isInnerRun = (name: string): boolean => /^(finetune|round-\d+)$/.test(name);

/** The folder that holds the run; undefined where there is none. */
export async function begunRun(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch(() => []);
  const folders = [folder, ...names.filter(isInnerRun).map((name) => join(folder, name))];
  for (const each of folders) {
    if ((await pathKind(join(each, lastCheckpointName))) !== undefined) return each;
  }
  return undefined;
}
