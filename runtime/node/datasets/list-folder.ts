/** Listings of folders: links followed, names in the order that Python sorts them in. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { systemErrorCode, unreadable } from '../file-access.ts';

export interface FolderEntry {
  readonly name: string;
  readonly path: string;
  /** What lies there, behind links; `nothing` for a link that leads nowhere, `special` for pipes, sockets and devices. */
  readonly kind: 'file' | 'folder' | 'special' | 'nothing';
}

/** The entries of a folder in order of name. Throws E0710. */
export async function listFolder(folder: string): Promise<readonly FolderEntry[]> {
  try {
    const entries: FolderEntry[] = [];
    for (const entry of await readdir(folder, { withFileTypes: true })) {
      const { name } = entry;
      const path = join(folder, name);
      const kind = entry.isSymbolicLink() ? await kindBehind(path) : kindOf(entry);
      entries.push({ name, path, kind });
    }
    return entries.sort((a, b) => compareNames(a.name, b.name));
  } catch (error) {
    throw unreadable(folder, error);
  }
}

const kindOf = (entry: { isDirectory(): boolean; isFile(): boolean }): 'file' | 'folder' | 'special' =>
  entry.isDirectory() ? 'folder' : entry.isFile() ? 'file' : 'special';

async function kindBehind(link: string): Promise<FolderEntry['kind']> {
  try {
    return kindOf(await stat(link));
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') return 'nothing';
    throw error;
  }
}

/** The order of code points, as Python has it; JavaScript's own differs for characters beyond U+FFFF. */
export function compareNames(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [x, y] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (x !== y) return rank(x) - rank(y);
  }
  return a.length - b.length;
}

const rank = (unit: number): number => (unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit);

async function realFolder(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** Whether a folder, by its real path, is one of those that a walk went through, or one that these lie in. */
export const leadsBack = (real: string, above: readonly string[]): boolean =>
  above.some((each) => each === real || each.startsWith(real.endsWith(sep) ? real : real + sep));

/** What systems put into folders for themselves. */
export const isHidden = (name: string): boolean => name.startsWith('.') || name === '__MACOSX';

/** A file below a folder. */
export interface FileBelow {
  readonly path: string;
  /** From the folder on, with forward slashes. */
  readonly relative: string;
}

export interface WalkVisitor {
  file(file: FileBelow): void;
  /** Is told of what is not looked into: hidden files and folders, links that lead nowhere or back. */
  passed(reason: string, relative: string): void;
}

/**
 * All files below a folder, links followed, in the order of torchvision's `ImageFolder`: folders by their whole path, then
 * the files of each by name. A link to a folder that it lies in is passed over, where torchvision goes round until the
 * system refuses; `folder` may itself be such a link, in the folder `around` it. Throws E0710.
 */
export async function walkFolder(folder: string, visitor: WalkVisitor, around?: string): Promise<void> {
  const folders: { readonly relative: string; readonly files: readonly FileBelow[] }[] = [];
  const enter = async (path: string, relative: string, above: readonly string[]): Promise<void> => {
    const real = await realFolder(path);
    if (leadsBack(real, above)) return visitor.passed('link back', relative);
    const files: FileBelow[] = [];
    folders.push({ relative, files });
    for (const { name, path: inner, kind } of await listFolder(path)) {
      const below = relative === '' ? name : `${relative}/${name}`;
      if (isHidden(name)) visitor.passed('hidden', below);
      else if (kind === 'nothing') visitor.passed('broken link', below);
      else if (kind === 'special') visitor.passed('pipe or device', below);
      else if (kind === 'folder') await enter(inner, below, [...above, real]);
      else files.push({ path: inner, relative: below });
    }
  };
  await enter(folder, '', around === undefined ? [] : [await realFolder(around)]);
  folders.sort((a, b) => compareNames(a.relative, b.relative));
  for (const { files } of folders) for (const file of files) visitor.file(file);
}
