/** What tells data apart: the files that are read, by name, size and time, and where times differ, what is in them. */
import { createHash } from 'node:crypto';
import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import { RuntimeFault } from '../../../runtime/errors.ts';
import { locateParts, type LocatedParts } from '../../../runtime/node/datasets/open-parts.ts';
import { openFile, pathKind, readBytes, systemErrorCode, unreadable } from '../../../runtime/node/file-access.ts';
import { writeFileAtomically } from '../../../runtime/node/write-file.ts';
import type { DataSpec } from '../../../runtime/train/recipe.ts';
import { listFile } from './stage-folder.ts';

/**
 * One text for the files of a dataset that are read, and no others: path below the named folder, bytes and time of the
 * last change in milliseconds, as `make` goes by. Where the folder lies does not count. Data that is missing or cannot be
 * told apart is told as such, for a stage can be cached on a machine without its data.
 */
export async function dataIdentity(data: DataSpec): Promise<string> {
  const files = await filesOf(data);
  return files instanceof RuntimeFault ? files.message : files.map(lineOf).join('\n');
}

/** Bytes of data that are read through to tell copies from changes; a GiB takes a second or two. */
const mostBytes = 8 * 2 ** 30;

const chunk = 2 ** 22;

const digests = new Map<string, Promise<string>>();

/**
 * A digest of what is in the files of a dataset, which stays as it is where they are copied or checked out again. It is
 * undefined where a file is missing or there are too many bytes: then times alone tell.
 */
export async function dataContents(data: DataSpec): Promise<string | undefined> {
  const files = await filesOf(data);
  if (files instanceof RuntimeFault || !canBeRead(files)) return undefined;
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file.name} ${file.found?.size} ${await digestOf(file)}\n`);
  return hash.digest('hex');
}

const canBeRead = (files: readonly Found[]): boolean =>
  files.every(({ found }) => found) && files.reduce((sum, { found }) => sum + (found?.size ?? 0), 0) <= mostBytes;

/** Milliseconds after its last change for which a file may change again within one tick of its file system's clock. */
const settling = 2000;

function digestOf(file: Found): Promise<string> {
  const { path, found } = file;
  if (!found || Date.now() - found.mtimeMs < settling) return readThrough(path);
  // Several stages use the same data, and it does not change while they are looked at.
  const key = `${path} ${lineOf(file)}`;
  const digest = digests.get(key) ?? readThrough(path);
  digests.set(key, digest);
  return digest;
}

async function readThrough(path: string): Promise<string> {
  const hash = createHash('sha256');
  const file = await openFile(path);
  try {
    for (let at = 0; at < file.bytes; at += chunk) hash.update(await file.read(at, Math.min(chunk, file.bytes - at)));
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** Writes down what the data is, so that a change can be named. Throws E0723. */
export async function writeDataList(folder: string, data: DataSpec | undefined): Promise<void> {
  const files = data && (await filesOf(data));
  if (!files || files instanceof RuntimeFault) return;
  const lines: string[] = [];
  const isRead = canBeRead(files);
  for (const file of files) lines.push(`${isRead ? await digestOf(file) : '-'} ${lineOf(file)}\n`);
  await writeFileAtomically(join(folder, listFile), lines.join(''));
}

interface Listed {
  readonly digest: string;
  readonly size: number;
  readonly time: number;
}

async function readDataList(folder: string): Promise<ReadonlyMap<string, Listed> | undefined> {
  const path = join(folder, listFile);
  if ((await pathKind(path)) !== 'file') return undefined;
  const lines = new TextDecoder().decode(await readBytes(path)).split('\n');
  return new Map(
    lines.flatMap((line): [string, Listed][] => {
      const [, digest = '', name = '', size, time] = /^(\S+) (.*) (\d+) (-?\d+)$/.exec(line) ?? [];
      return digest === '' ? [] : [[name, { digest, size: Number(size), time: Number(time) }]];
    }),
  );
}

/** Changes that a reason names. */
const mostNamed = 3;

/** What is not as it was when the stage of the folder ran: `photos/a.png changed`, `photos/b.png is new`. */
export async function dataChanges(folder: string, data: DataSpec | undefined): Promise<string> {
  const [before, files] = [await readDataList(folder), data && (await filesOf(data))];
  if (files instanceof RuntimeFault) return files.message;
  if (!before || !files) return 'the data changed';
  const changes: string[] = [];
  for (const file of files) {
    const was = before.get(file.name);
    if (!was) changes.push(`${file.shown} is new`);
    else if (!file.found) changes.push(`${file.shown} is missing`);
    else if (await isOther(file, file.found, was)) changes.push(`${file.shown} changed`);
  }
  const names = new Set(files.map(({ name }) => name));
  const root = files[0]?.shown.slice(0, -files[0].name.length) ?? '';
  for (const name of before.keys()) if (!names.has(name)) changes.push(`${root}${name} is gone`);
  if (changes.length === 0) return 'the data changed';
  const more = changes.length > mostNamed ? [`${changes.length - mostNamed} more files`] : [];
  return [...changes.slice(0, mostNamed), ...more].join(', ');
}

async function isOther(file: Found, { size, mtimeMs }: Stats, was: Listed): Promise<boolean> {
  if (size !== was.size) return true;
  if (Math.trunc(mtimeMs) === was.time) return false;
  return was.digest === '-' || (await digestOf(file)) !== was.digest;
}

interface Found {
  /** Below the named folder. */
  readonly name: string;
  /** With the folder's own name in front. */
  readonly shown: string;
  readonly path: string;
  readonly found: Stats | undefined;
}

/** The files that are read; a fault where they cannot be found, which says why. */
async function filesOf(data: DataSpec): Promise<readonly Found[] | RuntimeFault> {
  let parts: LocatedParts;
  try {
    parts = await locateParts(data, '.', data.masks === undefined ? 'class' : 'mask');
  } catch (error) {
    if (error instanceof RuntimeFault) return error;
    throw error;
  }
  const paths = [parts.pool, parts.val, parts.test].flatMap((part) => part?.files ?? []);
  const roots = rootsOf(data);
  return Promise.all([...new Set(paths)].map((path) => foundIn(roots, path)));
}

/** The folders that the source names; a file that it names stands alone. */
function rootsOf({ path, images, masks }: DataSpec): readonly string[] {
  const folders = [images, masks].flatMap((each) => (typeof each === 'object' ? [each.folder] : []));
  return [...(path === undefined ? [] : [path]), ...folders];
}

async function foundIn(roots: readonly string[], path: string): Promise<Found> {
  const root = roots.find((each) => path !== each && !/^\.\.($|[/\\])/.test(relative(each, path)));
  const name = root === undefined ? basename(path) : relative(root, path);
  const shown = root === undefined ? name : join(basename(root), name);
  return { name, shown, path, found: await statOf(path) };
}

/** The same for one file. */
export async function filesIdentity(path: string): Promise<string> {
  return lineOf(await foundIn([path], path));
}

const lineOf = ({ name, found }: Pick<Found, 'name' | 'found'>): string =>
  found ? `${name} ${found.size} ${Math.trunc(found.mtimeMs)}` : `${name} is missing`;

async function statOf(path: string): Promise<Stats | undefined> {
  try {
    return await stat(path);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(path, error);
  }
}
