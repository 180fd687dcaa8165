/** Writes a file as a whole or not at all. */
import { randomBytes } from 'node:crypto';
import { open, readdir, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { RuntimeFault } from '../errors.ts';
import { systemErrorCode, systemErrorReason } from './file-access.ts';

/** How files are called while they are written, so that those of a killed process can be found. */
const unfinished = /^\..+\.[0-9a-f]{12}\.tmp$/;

/**
 * Writes beside the file, syncs, renames over it and syncs the folder: at any moment, also after a kill or a loss of
 * power, `path` holds all of the earlier contents or all of the new ones. A link stays, and what it leads to is written; a
 * pipe or a device, as /dev/null, gets the contents and is not replaced by a file. Throws E0723.
 */
export async function writeFileAtomically(path: string, contents: Uint8Array | string): Promise<void> {
  try {
    const kind = await kindOf(path);
    if (kind === 'special') await writeFile(path, contents);
    else await replace(kind === 'nothing' ? path : await realpath(path), contents);
  } catch (error) {
    throw new RuntimeFault('E0723', 'environment', `cannot write ${path}: ${systemErrorReason(error)}`);
  }
}

async function kindOf(path: string): Promise<'nothing' | 'special' | 'plain'> {
  try {
    const status = await stat(path);
    return status.isFile() || status.isDirectory() ? 'plain' : 'special';
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return 'nothing';
    throw error;
  }
}

async function replace(path: string, contents: Uint8Array | string): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`);
  try {
    await writeSynced(temporary, contents);
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Removes what writers left that were killed. */
export async function removeUnfinished(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (unfinished.test(name)) await rm(join(folder, name), { force: true });
  }
}

async function writeSynced(path: string, contents: Uint8Array | string): Promise<void> {
  const handle = await open(path, 'wx', 0o644);
  try {
    await handle.writeFile(contents);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Makes a folder's entries durable. Windows cannot open folders, and does not need it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
