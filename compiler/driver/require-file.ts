/** Refuses paths before anything else is done: those that are no files, and those that would be written over. */
import { stat } from 'node:fs/promises';
import { openFile } from '../../runtime/node/file-access.ts';
import { usageError } from './failure.ts';

/** Throws E0710 where there is no such file, or it cannot be read; the analyzer reports what stands in it. */
export async function requireFile(path: string): Promise<void> {
  await (await openFile(path)).close();
}

/** Throws E0001 where `written` is one of the files that are read, by whatever path: links count as their files. */
export async function keepInputs(flag: string, written: string, inputs: readonly string[]): Promise<void> {
  const target = await identity(written);
  if (target === undefined) return;
  for (const input of inputs) {
    if ((await identity(input)) !== target) continue;
    throw usageError(`${flag} ${written} would write over the input ${input}`, 'give it a name of its own');
  }
}

async function identity(path: string): Promise<string | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined);
  return found && `${found.dev}:${found.ino}`;
}
