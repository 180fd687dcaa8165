/** Folders that hold a part of a dataset each: `train`, `val` and `test`, by the names in use. */
import { createLeftOut, endingOf, type LeftOut } from './account.ts';
import { badData } from './dataset.ts';
import { isHidden, listFolder } from './list-folder.ts';

export interface FolderParts {
  /** Names of the folders. */
  readonly folders: Readonly<Partial<Record<'train' | 'val' | 'test', string>>>;
  /** What lies beside them. */
  readonly leftOut: readonly LeftOut[];
}

const words = {
  train: ['train', 'training'],
  val: ['val', 'valid', 'validation'],
  test: ['test', 'testing'],
} as const;

/**
 * The parts of a folder that has at least two of them, in any case; undefined for any other folder, whose folders are
 * classes. Throws E0710, and E0714 where two folders could be the same part.
 */
export async function folderParts(path: string): Promise<FolderParts | undefined> {
  const entries = await listFolder(path);
  const names = entries.filter(({ kind }) => kind === 'folder').map(({ name }) => name);
  const found = (part: keyof typeof words): string[] =>
    names.filter((name) => words[part].some((word) => word === name.toLowerCase()));
  const all = { train: found('train'), val: found('val'), test: found('test') };
  const present = Object.values(all).filter((each) => each.length > 0);
  if (present.length < 2) return undefined;
  for (const [first, second] of present) {
    if (second !== undefined)
      throw badData(`${path} has ${first} and ${second}: either could be meant`, 'keep one of them');
  }
  const folders: Partial<Record<keyof typeof words, string>> = {};
  for (const part of ['train', 'val', 'test'] as const) {
    const [name] = all[part];
    if (name !== undefined) folders[part] = name;
  }
  const leftOut = createLeftOut();
  for (const { name, kind } of entries) {
    if (Object.values(folders).includes(name)) continue;
    leftOut.add(isHidden(name) ? 'hidden' : kind === 'folder' ? 'folder beside the parts' : endingOf(name), name);
  }
  return { folders, leftOut: leftOut.all() };
}
