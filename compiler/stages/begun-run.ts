/** Where a training of a stage was begun: in its folder, or in those that its finetuning and its rounds have in there. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lastCheckpointName } from '../../runtime/node/checkpoint-files.ts';
import { pathKind } from '../../runtime/node/file-access.ts';

/** The names of trainings within a stage. */
const inner = /^(finetune|round-\d+)$/;

/** The folder that holds the run; undefined where there is none. */
export async function begunRun(folder: string): Promise<string | undefined> {
  const names = await readdir(folder).catch(() => []);
  const folders = [folder, ...names.filter((name) => inner.test(name)).map((name) => join(folder, name))];
  for (const each of folders) {
    if ((await pathKind(join(each, lastCheckpointName))) !== undefined) return each;
  }
  return undefined;
}
