/** A dataset before it is opened: the files that it consists of. */
import { checkNames } from '../../class-names.ts';
import { createLeftOut, endingOf, type LeftOut } from './account.ts';
import type { Dataset } from './dataset.ts';
import { isHidden, listFolder } from './list-folder.ts';

/** What listing folders tells. */
export interface Located {
  /** Every file that opening and reading the dataset reads, and no other; absolute. */
  readonly files: readonly string[];
  /** What lies there, and is not read. */
  readonly leftOut: readonly LeftOut[];
  open(): Promise<Dataset>;
}

export type Opened = Omit<Dataset, 'leftOut'>;

/** `open` opens the files without saying what was left out. Opening throws E0714 for odd names of classes, too. */
export const located = (
  files: readonly string[],
  leftOut: readonly LeftOut[],
  open: () => Promise<Opened>,
): Located => ({
  files,
  leftOut,
  open: async () => {
    const opened = await open();
    try {
      checkNames(opened.classNames ?? [], 'the data');
      return { ...opened, leftOut };
    } catch (error) {
      await opened.close();
      throw error;
    }
  },
});

/** What else lies in a folder: neither `files` nor of the dataset's other parts, whose names `others` matches. */
export async function besides(folder: string, files: readonly string[], others: RegExp): Promise<readonly LeftOut[]> {
  const leftOut = createLeftOut();
  for (const { name, path, kind } of await listFolder(folder)) {
    if (files.includes(path) || others.test(name)) continue;
    leftOut.add(
      isHidden(name) ? 'hidden' : kind === 'folder' ? 'folder' : kind === 'special' ? 'pipe or device' : endingOf(name),
      name,
    );
  }
  return leftOut.all();
}
