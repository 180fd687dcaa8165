/** Pictures in a folder, labelled by a text file or by the subfolder that they lie in. */
import { join, relative, sep } from 'node:path';
import { matchClasses } from '../../class-names.ts';
import { readImage } from '../pictures/images.ts';
import { createLeftOut, endingOf } from './account.ts';
import type { LeftOutCounter } from './account.ts';
import { badData, checkIndex, readClassNames } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';
import { plainFile, readLabelsFile } from './labels-file.ts';
import { compareNames, isHidden, listFolder, walkFolder } from './list-folder.ts';
import type { FileBelow, WalkVisitor } from './list-folder.ts';
import { located } from './located.ts';
import type { Located, Opened } from './located.ts';
import { foreignPicture, hasPictureEnding, pictureEndings } from './picture-endings.ts';

interface Item {
  readonly path: string;
  readonly label: number;
}

/**
 * Finds the pictures of a folder. With `options.labels`, a text file of lines `file class` (see `readLabelsFile`), the
 * samples are its lines in order. Otherwise every subfolder is a class, in order of name, and all pictures below it are its
 * samples, in the order of torchvision's `ImageFolder`; links are followed, names are sorted by code points. Hidden
 * files and folders are left out. Throws E0710 for missing files and E0714 for bad lines and labels, and for a folder
 * without any picture.
 */
export async function locateImageFolder(path: string, options: DatasetOptions = {}): Promise<Located> {
  const leftOut = createLeftOut();
  const given = await readClassNames(options.classNames);
  const { items, classNames } =
    options.labels === undefined
      ? await fromSubfolders(path, leftOut)
      : {
          items: await fromLabels(
            path,
            options.labels,
            { ...options, classes: options.classes ?? given?.length },
            leftOut,
          ),
          classNames: undefined,
        };
  const { names, labelOf } = namesOf(path, classNames, given, options.classNames);
  const labelled = items.map((item) => ({ ...item, label: labelOf(item.label) }));
  const lists = [options.labels, options.classNames].filter((each) => typeof each === 'string');
  const files = [...items.map((item) => item.path), ...lists];
  return located(files, leftOut.all(), () => Promise.resolve(opened(labelled, names)));
}

function opened(items: readonly Item[], classNames: readonly string[] | undefined): Opened {
  return {
    format: 'image-folder',
    target: 'class',
    kind: 'image',
    size: items.length,
    classNames,
    shape: undefined,
    filesOf: (index) => [items[index]?.path ?? ''],
    labels: () => Promise.resolve(items.map((item) => item.label)),
    async read(index) {
      checkIndex(index, items.length);
      const { path: name = '', label = 0 } = items[index] ?? {};
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
  const names = given.map((name) => name.normalize('NFC')).sort(compareNames);
  const who = typeof option === 'string' ? option : 'the list of classes';
  const { map } = matchClasses({ who: path, names: folders }, { who, names });
  return { names, labelOf: (folder) => map[folder] ?? folder };
}

async function fromLabels(
  folder: string,
  labels: string,
  range: Pick<DatasetOptions, 'classes' | 'ignore'>,
  leftOut: LeftOutCounter,
): Promise<readonly Item[]> {
  const lines = await readLabelsFile(labels, range);
  const below = new Map<string, FileBelow>();
  // Systems write the same letter with accent in two ways; a listed file is found in either.
  const keyOf = (file: string): string => file.replaceAll(sep, '/').normalize('NFC');
  await walkFolder(folder, {
    file: (file) => below.set(keyOf(file.relative), file),
    passed: (reason, name) => leftOut.add(reason, name),
  });
  const missing = lines.filter(({ file }) => !below.has(keyOf(file)));
  const [first] = missing;
  if (first) {
    const others = missing.length > 1 ? `; ${missing.length} of its ${lines.length} files are not` : '';
    const plain = plainFile(first.file);
    const help = below.has(keyOf(plain))
      ? `write the picture and the number of its class alone, as in \`${plain} ${first.label}\``
      : undefined;
    throw badData(`${first.place} names ${first.file}, which is not in ${folder}${others}`, help);
  }
  const items: Item[] = [];
  for (const { file, label } of lines) {
    const key = keyOf(file);
    const path = below.get(key)?.path;
    if (path !== undefined) items.push({ path, label });
    below.delete(key);
  }
  for (const { relative: name, path } of below.values()) {
    if (path === labels) continue;
    leftOut.add(hasPictureEnding(name) ? `without a line in ${relative(folder, labels)}` : endingOf(name), name);
  }
  return items;
}

async function fromSubfolders(folder: string, leftOut: LeftOutCounter) {
  const names: string[] = [];
  const items: Item[] = [];
  for (const { name, kind } of await listFolder(folder)) {
    if (kind === 'folder' && !isHidden(name)) {
      items.push(
        ...(await picturesOf(folder, name, leftOut)).map((picture) => ({ path: picture, label: names.length })),
      );
      names.push(name.normalize('NFC'));
    } else if (isHidden(name)) leftOut.add('hidden', name);
    else if (kind === 'nothing') leftOut.add('broken link', name);
    else if (kind === 'special') leftOut.add('pipe or device', name);
    else leftOut.add(hasPictureEnding(name) ? 'in no class folder' : endingOf(name), name);
  }
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw badData(`${folder} has two folders called ${twice}, written with other bytes`);
  if (items.length === 0) {
    const help =
      'put the pictures of each class into a folder of its own, or name a file of `file class` lines with labels';
    throw badData(`${folder} has no class folders with ${pictureEndings} pictures`, help);
  }
  return { items, classNames: names };
}

/** All pictures below a class folder. One of foreign pictures alone is refused: the class would seem to have none. */
async function picturesOf(folder: string, name: string, leftOut: LeftOutCounter): Promise<readonly string[]> {
  const path = join(folder, name);
  const pictures: string[] = [];
  const foreign: string[] = [];
  const visitor: WalkVisitor = {
    file: (file) => {
      if (hasPictureEnding(file.relative)) {
        pictures.push(file.path);
        return;
      }
      if (foreignPicture.test(file.relative)) foreign.push(file.relative);
      leftOut.add(endingOf(file.relative), join(name, file.relative));
    },
    passed: (reason, below) => leftOut.add(reason, join(name, below)),
  };
  await walkFolder(path, visitor, folder);
  const [first] = foreign;
  if (pictures.length === 0 && first !== undefined) {
    const message = `no picture in the class folder ${path} can be decoded, as ${first} (${foreign.length} in all)`;
    throw badData(message, `convert them to ${pictureEndings}`);
  }
  return pictures;
}
