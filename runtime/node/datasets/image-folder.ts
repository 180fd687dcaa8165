/** Pictures in a folder, labelled by a text file or by the subfolder that they lie in. */
import { readdir } from 'node:fs/promises';
import type { Dirent } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { matchClasses } from '../../class-names.ts';
import { unreadable } from '../file-access.ts';
import { readImage } from '../images.ts';
import { badData, checkIndex, checkLabel, readClassNames, readLines } from './dataset.ts';
import type { Dataset, DatasetOptions } from './dataset.ts';

interface Item {
  /** Relative to the folder. */
  readonly file: string;
  readonly label: number;
}

const pictureEnding = /\.(png|jpe?g)$/i;

/**
 * Opens a folder. With `options.labels`, a text file of lines `file class` (blank lines and lines that begin with `#`
 * are skipped), the samples are its lines in order; otherwise every subfolder is a class, in code-unit order of name,
 * and its pictures follow in order of name. Throws E0710 for missing files and E0714 for bad lines and labels.
 */
export async function openImageFolder(path: string, options: DatasetOptions = {}): Promise<Dataset> {
  const given = await readClassNames(options.classNames);
  const { items, classNames } =
    options.labels === undefined
      ? await fromSubfolders(path)
      : {
          items: await fromLabels(path, options.labels, { ...options, classes: options.classes ?? given?.length }),
          classNames: undefined,
        };
  const { names, labelOf } = namesOf(path, classNames, given, options.classNames);
  return {
    format: 'image-folder',
    target: 'class',
    kind: 'image',
    size: items.length,
    classNames: names,
    shape: undefined,
    labels: () => Promise.resolve(items.map((item) => labelOf(item.label))),
    async read(index) {
      checkIndex(index, items.length);
      const { file = '', label: folderLabel = 0 } = items[index] ?? {};
      const label = labelOf(folderLabel);
      const name = join(path, file);
      const image = await readImage(name);
      return { input: { kind: 'image', image }, target: { kind: 'class', label }, name };
    },
    close: () => Promise.resolve(),
  };
}

/**
 * Folders count in order of name, as in torchvision, whatever the order of the names that are given; these may have
 * classes without a folder. Throws E0714 for a folder that is not named.
 */
function namesOf(
  path: string,
  folders: readonly string[] | undefined,
  given: readonly string[] | undefined,
  option: DatasetOptions['classNames'],
): { readonly names: readonly string[] | undefined; readonly labelOf: (folder: number) => number } {
  if (!folders || !given) return { names: given ?? folders, labelOf: (label) => label };
  const names = given.toSorted();
  const who = typeof option === 'string' ? option : 'the list of classes';
  const { map } = matchClasses({ who: path, names: folders }, { who, names });
  return { names, labelOf: (folder) => map[folder] ?? folder };
}

async function fromLabels(
  folder: string,
  labels: string,
  range: Pick<DatasetOptions, 'classes' | 'ignore'>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  const seen = new Set<string>();
  for (const [at, line] of (await readLines(labels)).entries()) {
    const text = line.trim();
    if (text === '' || text.startsWith('#')) continue;
    const place = `line ${at + 1} of ${labels}`;
    const found = /^(.*\S)\s+(-?\d+)$/.exec(text);
    if (!found) throw badData(`${place} is not a file and the number of a class`);
    const file = insideFolder(found[1] ?? '', place);
    if (seen.has(file)) throw badData(`${place} names ${file} for the second time`);
    seen.add(file);
    const label = Number(found[2]);
    checkLabel(label, range, place);
    items.push({ file, label });
  }
  if (items.length === 0) throw badData(`${labels} names no picture`);
  await checkPresent(folder, items, labels);
  return items;
}

/** A file of labels may come from elsewhere: it must not reach outside of the folder that the user named. */
function insideFolder(file: string, place: string): string {
  const path = normalize(file);
  if (isAbsolute(path) || path === '..' || path.startsWith(`..${sep}`)) {
    throw badData(`${place} names ${file}, which is outside of the folder`);
  }
  return path;
}

/** One listing of each folder instead of a question for every file. */
async function checkPresent(folder: string, items: readonly Item[], labels: string): Promise<void> {
  const listings = new Map<string, ReadonlySet<string>>();
  for (const { file } of items) {
    const inside = join(folder, dirname(file));
    const names = listings.get(inside) ?? new Set((await list(inside)).map((entry) => entry.name));
    listings.set(inside, names);
    if (!names.has(basename(file))) throw badData(`${labels} names ${file}, which is not in ${folder}`);
  }
}

async function fromSubfolders(folder: string) {
  const classNames = (await list(folder))
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .sort();
  const items: Item[] = [];
  for (const [label, name] of classNames.entries()) {
    const files = (await list(join(folder, name))).filter(
      (entry) => !entry.isDirectory() && pictureEnding.test(entry.name),
    );
    if (files.length === 0) throw badData(`the class folder ${join(folder, name)} holds no .png or .jpg file`);
    for (const file of files.map((entry) => entry.name).sort()) items.push({ file: join(name, file), label });
  }
  if (items.length === 0) {
    const help = 'name a file of `file class` lines with the option labels';
    throw badData(`${folder} has no class folders with pictures`, help);
  }
  return { items, classNames };
}

async function list(folder: string): Promise<readonly Dirent[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => !entry.name.startsWith('.'));
  } catch (error) {
    throw unreadable(folder, error);
  }
}
