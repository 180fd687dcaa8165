/** What tells data apart without reading it: names, sizes and times of its files. */
import type { Stats } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { systemErrorCode, unreadable } from '../../runtime/node/file-access.ts';
import type { DataSpec } from '../../runtime/train/recipe.ts';

/**
 * One text for all files of a dataset: path below the named folder, bytes and time of the last change in milliseconds,
 * as `make` goes by. Hashing the contents would cost minutes where this costs a moment; who copies data without its
 * times (`cp -p` keeps them) trains once more than needed. Where the folder lies does not count. A file that is missing
 * is told as such, for a stage can be cached on a machine without its data.
 */
export async function dataIdentity({ path, images, masks, labels }: DataSpec): Promise<string> {
  const named = [path, images, masks, labels].flatMap((each) => each ?? []);
  const parts = await Promise.all(named.map((each) => filesIdentity(baseOf(each))));
  return parts.join('\n');
}

/** The folder in front of the first wildcard of a pattern. */
function baseOf(pattern: string): string {
  const at = pattern.search(/[*?[{]/);
  return at < 0 ? pattern : dirname(`${pattern.slice(0, at)}x`);
}

/** The same for one file or folder. */
export async function filesIdentity(path: string): Promise<string> {
  const lines: string[] = [];
  const add = async (each: string): Promise<void> => {
    const found = await statOf(each);
    const name = relative(path, each) || basename(path);
    if (!found) lines.push(`${name} is missing`);
    else if (!found.isDirectory()) lines.push(`${name} ${found.size} ${Math.trunc(found.mtimeMs)}`);
    else for (const inner of (await readdir(each)).toSorted()) await add(join(each, inner));
  };
  await add(path);
  return lines.join('\n');
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
