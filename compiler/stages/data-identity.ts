/** What tells data apart: names, sizes and times of its files, and where times differ, what is in them. */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { openFile, systemErrorCode, unreadable } from '../../runtime/node/file-access.ts';
import type { DataSpec } from '../../runtime/train/recipe.ts';

/**
 * One text for all files of a dataset: path below the named folder, bytes and time of the last change in milliseconds,
 * as `make` goes by. Where the folder lies does not count. A file that is missing is told as such, for a stage can be
 * cached on a machine without its data.
 */
export async function dataIdentity(data: DataSpec): Promise<string> {
  return (await filesOf(data)).map(lineOf).join('\n');
}

/** Bytes of data that are read through to tell copies from changes; a GiB takes a second or two. */
const mostBytes = 8 * 2 ** 30;

const chunk = 2 ** 22;

const digests = new Map<string, Promise<string | undefined>>();

/**
 * A digest of what is in the files of a dataset, which stays as it is where they are copied or checked out again. It is
 * undefined where a file is missing or there are too many bytes: then times alone tell.
 */
export async function dataContents(data: DataSpec): Promise<string | undefined> {
  // Several stages use the same data, and it does not change while they are looked at.
  const files = await filesOf(data);
  const key = files.map((each) => `${each.path} ${lineOf(each)}`).join('\n');
  const digest = digests.get(key) ?? readThrough(files);
  digests.set(key, digest);
  return digest;
}

async function readThrough(files: readonly Found[]): Promise<string | undefined> {
  if (files.some(({ found }) => !found)) return undefined;
  if (files.reduce((sum, { found }) => sum + (found?.size ?? 0), 0) > mostBytes) return undefined;
  const hash = createHash('sha256');
  for (const { name, path, found } of files) {
    hash.update(`${name} ${found?.size}\n`);
    const file = await openFile(path);
    try {
      for (let at = 0; at < file.bytes; at += chunk) hash.update(await file.read(at, Math.min(chunk, file.bytes - at)));
    } finally {
      await file.close();
    }
  }
  return hash.digest('hex');
}

async function filesOf({ path, images, masks, labels }: DataSpec): Promise<Found[]> {
  const named = [path, images, masks, labels].flatMap((each) => each ?? []);
  return (await Promise.all(named.map((each) => filesBelow(baseOf(each))))).flat();
}

/** The folder in front of the first wildcard of a pattern. */
function baseOf(pattern: string): string {
  const at = pattern.search(/[*?[{]/);
  return at < 0 ? pattern : dirname(`${pattern.slice(0, at)}x`);
}

/** The same for one file or folder. */
export const filesIdentity = async (path: string): Promise<string> => (await filesBelow(path)).map(lineOf).join('\n');

const lineOf = ({ name, found }: Found): string =>
  found ? `${name} ${found.size} ${Math.trunc(found.mtimeMs)}` : `${name} is missing`;

interface Found {
  /** Below the named folder. */
  readonly name: string;
  readonly path: string;
  readonly found: Stats | undefined;
}

async function filesBelow(path: string): Promise<Found[]> {
  const files: Found[] = [];
  const add = async (each: string): Promise<void> => {
    const found = await statOf(each);
    if (!found?.isDirectory()) files.push({ name: relative(path, each) || basename(path), path: each, found });
    else for (const inner of (await readdir(each)).toSorted()) await add(join(each, inner));
  };
  await add(path);
  return files;
}

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(path, error);
  }
}
