/** Opens the files that a recipe names: one pool of samples, and the parts that the data itself holds apart. */
import { basename, dirname, join, resolve } from 'node:path';
import type { DataSpec } from '../../train/recipe.ts';
import { syntheticDefaults } from '../../train/synthetic-defaults.ts';
import { openFile, pathKind } from '../file-access.ts';
import { mergeLeftOut } from './account.ts';
import type { LeftOut } from './account.ts';
import { locateCifarBinary } from './cifar-binary.ts';
import { badData, readLines } from './dataset.ts';
import type { Dataset, DatasetFormat, DatasetOptions } from './dataset.ts';
import { findFiles } from './glob.ts';
import type { FilePattern } from './glob.ts';
import { locateIdx } from './idx.ts';
import { locateImageFolder } from './image-folder.ts';
import { locateImageMaskFolder } from './image-mask-folder.ts';
import type { ImageMaskPaths } from './image-mask-folder.ts';
import { namesPictures } from './labels-file.ts';
import { isHidden, listFolder } from './list-folder.ts';
import { located } from './located.ts';
import type { Located } from './located.ts';
import { locateNpz, planNpz } from './npz.ts';
import { locators, notEmpty } from './open-dataset.ts';
import { folderParts } from './part-folders.ts';
import { createSynthetic } from './synthetic.ts';

export interface Parts {
  /** How messages name the pool. */
  readonly name: string;
  readonly pool: Dataset;
  readonly val?: Dataset | undefined;
  readonly test?: Dataset | undefined;
  readonly leftOut: readonly LeftOut[];
}

/** The parts before they are opened. */
export interface LocatedParts {
  readonly name: string;
  readonly pool: Located;
  readonly val?: Located | undefined;
  readonly test?: Located | undefined;
  /** Beside all parts. */
  readonly leftOut?: readonly LeftOut[];
}

/**
 * Finds the pool that training and validation come from and, by format, what lies apart: `test_batch.bin` beside
 * `data_batch_*.bin`, `t10k-` beside `train-` files (also of a single file that is named), `val` and `test` beside a
 * `train` folder of class folders, folders beside one whose name begins with `train` in the patterns of both pictures and
 * masks, `val_` and `test_` arrays of an npz file. Throws what finding them throws.
 */
export async function locateParts(spec: DataSpec, baseFolder: string, target: 'class' | 'mask'): Promise<LocatedParts> {
  if (spec.format === 'synthetic') {
    return { name: 'the synthetic data', pool: located([], [], () => Promise.resolve(openSynthetic(spec, target))) };
  }
  const options = { ...(await datasetOptions(spec, baseFolder)), target };
  if (spec.format === 'image-mask-folder') return locateMasks(spec, baseFolder, options);
  if (spec.path === undefined) throw badData(`the dataset ${spec.name} has no path`);
  const path = resolve(baseFolder, spec.path);
  const apart = partLocators[spec.format];
  return { name: path, ...(apart ? await apart(path, options) : { pool: await locators[spec.format](path, options) }) };
}

/** Whether anything lies where a recipe names its data: sources are also looked at where the data is elsewhere. */
export async function isThere(
  { format, path = '', images = '', masks = '' }: DataSpec,
  baseFolder: string,
): Promise<boolean> {
  if (format === 'synthetic') return true;
  if (format === 'image-mask-folder') {
    const found = [await findFiles(patternIn(baseFolder, images)), await findFiles(patternIn(baseFolder, masks))];
    return found.every(({ length }) => length > 0);
  }
  const place = resolve(baseFolder, path);
  const kind = await pathKind(place);
  return kind === 'folder' ? (await listFolder(place)).some(({ name }) => !isHidden(name)) : kind === 'file';
}

/** Opens what `locateParts` finds. Throws E0714 for a part without samples, and what opening the parts throws. */
export async function openParts(spec: DataSpec, baseFolder: string, target: 'class' | 'mask'): Promise<Parts> {
  const { name, pool, val, test, leftOut = [] } = await locateParts(spec, baseFolder, target);
  const opened: Dataset[] = [];
  const open = async (part: Located | undefined, words: string): Promise<Dataset | undefined> => {
    if (!part) return undefined;
    const dataset = await notEmpty(await part.open(), `${words}${name}`);
    opened.push(dataset);
    return dataset;
  };
  try {
    const all = await open(pool, '');
    if (!all) throw new RangeError('data has a pool');
    const parts = { val: await open(val, 'the validation part of '), test: await open(test, 'the test part of ') };
    return { name, pool: all, ...parts, leftOut: mergeLeftOut([leftOut, ...opened.map((each) => each.leftOut)]) };
  } catch (error) {
    for (const each of opened) await each.close();
    throw error;
  }
}

type Found = Omit<LocatedParts, 'name'>;

/** Of formats that hold parts of the data apart. */
const partLocators: Readonly<
  Partial<Record<DatasetFormat, (path: string, options: DatasetOptions) => Promise<Found>>>
> = {
  'cifar-binary': async (path, options) => {
    const folder = (await pathKind(path)) === 'folder';
    const tests = join(folder ? path : dirname(path), 'test_batch.bin');
    const apart = (folder || basename(path).startsWith('data_batch_')) && (await pathKind(tests)) === 'file';
    return {
      pool: await locateCifarBinary(path, { ...options, part: 'train' }),
      test: apart ? await locateCifarBinary(tests, options) : undefined,
    };
  },
  idx: async (path, options) => {
    const folder = (await pathKind(path)) === 'folder' ? path : dirname(path);
    const train = folder === path || basename(path).startsWith('train');
    const names = train ? (await listFolder(folder)).map(({ name }) => name) : [];
    const tests = names.find((name) => /^t10k-images[-.]idx3-ubyte(\.gz)?$/.test(name));
    const pool = await locateIdx(path, { ...options, part: 'train' });
    // A file of labels that is named belongs to the file of pictures that is named.
    const test = tests === undefined ? undefined : join(folder, tests);
    return { pool, test: test === undefined ? undefined : await locateIdx(test, { ...options, labels: undefined }) };
  },
  'image-folder': async (path, options) => {
    const parts = options.labels === undefined ? await folderParts(path) : undefined;
    if (!parts) return { pool: await locateImageFolder(path, options) };
    const { train, val, test } = parts.folders;
    if (train === undefined) {
      const message = `${path} holds ${val} and ${test}, but no train`;
      throw badData(message, `name one of them as the path, as in \`path = "${basename(path)}/${test}"\``);
    }
    const part = async (name: string | undefined) =>
      name === undefined ? undefined : locateImageFolder(join(path, name), options);
    const pool = await locateImageFolder(join(path, train), options);
    return { pool, val: await part(val), test: await part(test), leftOut: parts.leftOut };
  },
  npz: async (path, options) => {
    const plan = await planNpz(path, options.target);
    // What the file holds beside its pairs is beside all of them.
    const pairs = { ...plan, leftOut: [] };
    const part = async (name: 'val' | 'test') =>
      plan.parts[name] ? locateNpz(path, { ...options, part: name }, pairs) : undefined;
    const pool = await locateNpz(path, { ...options, part: 'train' }, pairs);
    return { pool, val: await part('val'), test: await part('test'), leftOut: plan.leftOut };
  },
};

async function locateMasks(
  { name, images, masks }: DataSpec,
  baseFolder: string,
  options: DatasetOptions,
): Promise<LocatedParts> {
  if (!images || !masks) throw badData(`the dataset ${name} needs patterns for images and masks`);
  const paths = { images: patternIn(baseFolder, images), masks: patternIn(baseFolder, masks) };
  const apart = async (part: string) => besideTraining(paths, part, options);
  return {
    name: resolve(paths.images.folder, paths.images.pattern),
    pool: await locateImageMaskFolder(paths, options),
    val: (await apart('val')) ?? (await apart('valid')),
    test: await apart('test'),
  };
}

const patternIn = (baseFolder: string, given: string | FilePattern): FilePattern =>
  typeof given === 'string' ? { folder: resolve(baseFolder), pattern: given } : given;

/** The pictures of `part`, whose folders stand beside those of the training; undefined where it has no masks. */
async function besideTraining(
  { images, masks }: ImageMaskPaths,
  part: string,
  options: DatasetOptions,
): Promise<Located | undefined> {
  const paths = { images: partPattern(images, part), masks: partPattern(masks, part) };
  const isOther = paths.images.pattern !== images.pattern && paths.masks.pattern !== masks.pattern;
  if (!isOther || (await findFiles(paths.masks)).length === 0) return undefined;
  return locateImageMaskFolder(paths, options);
}

/** `train/` as `val/` and `train-masks/` as `val-masks/`: in the last folder of a pattern whose name begins so. */
const partPattern = ({ folder, pattern }: FilePattern, part: string): FilePattern => ({
  folder,
  pattern: pattern.replaceAll('\\', '/').replace(/^(.*\/)?train([^/]*\/)/, `$1${part}$2`),
});

function openSynthetic(spec: DataSpec, target: 'class' | 'mask'): Dataset {
  const {
    samples = syntheticDefaults.samples,
    size = syntheticDefaults.size,
    classes = syntheticDefaults.classes,
    generatorSeed: seed = syntheticDefaults.seed,
  } = spec;
  return createSynthetic({ target, classes, size, seed }, samples);
}

/** `labels` names the classes, one a line, or else what gives every sample its class: the file itself tells which. */
async function datasetOptions(spec: DataSpec, baseFolder: string): Promise<DatasetOptions> {
  const { classes, ignore, maskValues } = spec;
  const common = { classes, ignore, maskValues };
  if (spec.labels === undefined) return common;
  const labels = resolve(baseFolder, spec.labels);
  return (await givesClasses(labels)) ? { ...common, labels } : { ...common, classNames: labels };
}

async function givesClasses(path: string): Promise<boolean> {
  const file = await openFile(path);
  try {
    const [first = 0, second = 0] = file.bytes >= 2 ? await file.read(0, 2) : [];
    // The first bytes of gzip, npy and IDX files; no text begins with them.
    if ((first === 0x1f && second === 0x8b) || first === 0x93 || first === 0) return file.bytes > 0;
  } finally {
    await file.close();
  }
  return namesPictures(await readLines(path));
}
