/** Writes an artifact folder as a whole or not at all. */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, realpath, rename, rm, rmdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { RuntimeFault } from '../errors.ts';
import { withFolderLock } from './folder-lock.ts';
import { pathKind, readText, systemErrorCode, systemErrorReason } from './file-access.ts';

const ownEntries = ['manifest.json', 'kernels', 'weights.safetensors'];

/**
 * Writes `files` (relative path with `/` to contents) as the folder `target`: into a temporary folder beside it, synced
 * to the disk, then renamed. An earlier artifact at `target` is replaced; until the rename it stays untouched, and it
 * comes back if the rename fails. Throws E0723 where something else lies there, where another process writes it at the
 * same time, and where writing fails.
 */
export async function writeFolderAtomically(
  target: string,
  files: ReadonlyMap<string, Uint8Array | string>,
): Promise<void> {
  for (const file of files.keys()) checkName(file);
  try {
    const place = await resolveTarget(target);
    // Before a lock beside it is made.
    await checkReplaceable(place, files);
    await withFolderLock(place, () => replace(place, files));
  } catch (error) {
    if (error instanceof RuntimeFault) throw error;
    throw unwritable(`cannot write ${target}: ${systemErrorReason(error)}`);
  }
}

async function replace(place: string, files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
  const earlier = await checkReplaceable(place, files);
  const temporary = await makeBeside(place);
  try {
    await writeFiles(temporary, files);
    await moveInto(place, temporary, earlier);
    await syncFolder(dirname(place));
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** A new hidden folder beside `place`. Unlike those of `mkdtemp`, it has the permissions that the umask leaves. */
async function makeBeside(place: string): Promise<string> {
  const folder = join(dirname(place), `.${basename(place)}-${randomBytes(6).toString('hex')}`);
  await mkdir(folder);
  return folder;
}

function unwritable(message: string, help?: string): RuntimeFault {
  return new RuntimeFault('E0723', 'environment', message, help);
}

function checkName(file: string): void {
  const wrong = file.split('/').some((part) => part === '' || part === '.' || part === '..' || /[\\:\0]/.test(part));
  if (wrong) throw unwritable(`'${file}' is not a path inside of a folder`);
}

/** A link to a folder stays a link: what it leads to is replaced. */
async function resolveTarget(target: string): Promise<string> {
  const kind = await pathKind(target);
  if (kind === 'file') throw unwritable(`${target} is a file`, 'choose the name of a folder');
  return kind === 'folder' ? realpath(target) : resolve(target);
}

type Earlier = 'nothing' | 'empty' | 'artifact';

/** Only an artifact may be replaced, and only when all that would be lost with it is its own. */
async function checkReplaceable(place: string, files: ReadonlyMap<string, unknown>): Promise<Earlier> {
  const entries = await readdir(place).catch((error: unknown) => {
    if (systemErrorCode(error) === 'ENOENT') return undefined;
    throw error;
  });
  if (entries === undefined) return 'nothing';
  if (entries.length === 0) return 'empty';
  const help = 'choose another folder, or remove this one';
  if (!(await isArtifact(place)))
    throw unwritable(`${place} is not empty and is no artifact, so it is left alone`, help);
  const known = new Set([...ownEntries, ...[...files.keys()].map((file) => file.split('/')[0] ?? '')]);
  const foreign = entries.find((entry) => !known.has(entry));
  if (foreign !== undefined) throw unwritable(`${place} holds ${foreign}, which is no part of an artifact`, help);
  return 'artifact';
}

/** Many programs have a `manifest.json`; ours says what it is. */
async function isArtifact(folder: string): Promise<boolean> {
  try {
    const json: unknown = JSON.parse(await readText(join(folder, 'manifest.json')));
    return typeof json === 'object' && json !== null && 'format' in json && json.format === 'cnnc-artifact';
  } catch {
    // Absent, unreadable or no JSON: then it is not one that we wrote.
    return false;
  }
}

async function writeFiles(folder: string, files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
  const folders = new Set([folder]);
  for (const [file, contents] of files) {
    const path = join(folder, ...file.split('/'));
    await mkdir(dirname(path), { recursive: true });
    folders.add(dirname(path));
    const handle = await open(path, 'wx', 0o644);
    try {
      await handle.writeFile(contents);
      await handle.sync();
    } finally {
      await handle.close();
    }
  }
  for (const inner of folders) await syncFolder(inner);
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

async function moveInto(place: string, temporary: string, earlier: Earlier): Promise<void> {
  if (earlier === 'empty') await rmdir(place);
  if (earlier !== 'artifact') {
    await rename(temporary, place);
    return;
  }
  const aside = await makeBeside(place);
  const saved = join(aside, basename(place));
  await rename(place, saved);
  try {
    await rename(temporary, place);
  } catch (error) {
    await rename(saved, place);
    await rmdir(aside);
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}
