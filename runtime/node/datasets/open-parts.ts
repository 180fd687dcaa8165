/** Opens the files that a recipe names: one pool of samples, and the parts that the data itself holds apart. */
import { readdir } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { DataSpec } from '../../train/recipe.ts';
import { syntheticDefaults } from '../../train/synthetic.ts';
import { openFile, pathKind, unreadable } from '../file-access.ts';
import { openCifarBinary } from './cifar-binary.ts';
import { badData, readLines } from './dataset.ts';
import type { Dataset, DatasetOptions } from './dataset.ts';
import { openIdx } from './idx.ts';
import { openImageFolder } from './image-folder.ts';
import { findFiles } from './glob.ts';
import { openImageMaskFolder } from './image-mask-folder.ts';
import type { ImageMaskPaths } from './image-mask-folder.ts';
import { openNpy } from './npy.ts';
import { npzParts, openNpz } from './npz.ts';
import { createSynthetic } from './synthetic.ts';

export interface Parts {
  /** How messages name the pool. */
  readonly name: string;
  readonly pool: Dataset;
  readonly val?: Dataset | undefined;
  readonly test?: Dataset | undefined;
}

/**
 * Opens the pool that training and validation come from and, by format, what lies apart: `test_batch.bin` beside
 * `data_batch_*.bin`, `t10k-` beside `train-` files (also of a single file that is named), `val` and `test` beside a
 * `train` folder of class folders, folders beside one whose name begins with `train` in the patterns of both pictures and
 * masks, `val_` and `test_` arrays of an npz file. Throws what opening them throws.
 */
export async function openParts(spec: DataSpec, baseFolder: string, target: 'class' | 'mask'): Promise<Parts> {
  if (spec.format === 'synthetic') return { name: 'the synthetic data', pool: openSynthetic(spec, target) };
  const options = await datasetOptions(spec, baseFolder);
  if (spec.format === 'image-mask-folder') {
    const { images, masks } = spec;
    if (!images || !masks) throw badData(`the dataset ${spec.name} needs patterns for images and masks`);
    const paths = { images: resolve(baseFolder, images), masks: resolve(baseFolder, masks) };
    const apart = async (part: string) => besideTraining(paths, part, options);
    const [val, test] = [(await apart('val')) ?? (await apart('valid')), await apart('test')];
    return { name: paths.images, ...(await together(openImageMaskFolder(paths, options), { val, test })) };
  }
  if (spec.path === undefined) throw badData(`the dataset ${spec.name} has no path`);
  const path = resolve(baseFolder, spec.path);
  return { name: path, ...(await openers[spec.format](path, options)) };
}

type Opened = Omit<Parts, 'name'>;

const openers: Readonly<
  Record<
    Exclude<DataSpec['format'], 'synthetic' | 'image-mask-folder'>,
    (path: string, options: DatasetOptions) => Promise<Opened>
  >
> = {
  'cifar-binary': async (path, options) => {
    const folder = (await pathKind(path)) === 'folder';
    const tests = join(folder ? path : dirname(path), 'test_batch.bin');
    const apart = (folder || basename(path).startsWith('data_batch_')) && (await pathKind(tests)) === 'file';
    return together(openCifarBinary(path, { ...options, part: 'train' }), {
      test: apart ? () => openCifarBinary(tests, options) : undefined,
    });
  },
  idx: async (path, options) => {
    const folder = (await pathKind(path)) === 'folder' ? path : dirname(path);
    const train = folder === path || basename(path).startsWith('train');
    const apart = train && (await fileNames(folder)).some((name) => /^t10k-images[-.]idx3-ubyte(\.gz)?$/.test(name));
    return together(openIdx(path, { ...options, part: 'train' }), {
      // A file of labels that is named belongs to the file of pictures that is named.
      test: apart ? () => openIdx(folder, { ...options, labels: undefined, part: 'test' }) : undefined,
    });
  },
  'image-folder': async (path, options) => {
    const names = options.labels === undefined ? await fileNames(path) : [];
    const val = ['val', 'valid'].find((name) => names.includes(name));
    if (!names.includes('train') || !(val !== undefined || names.includes('test'))) {
      return together(openImageFolder(path, options), {});
    }
    return together(openImageFolder(join(path, 'train'), options), {
      val: val === undefined ? undefined : () => openImageFolder(join(path, val), options),
      test: names.includes('test') ? () => openImageFolder(join(path, 'test'), options) : undefined,
    });
  },
  npy: async (path, options) => together(openNpy(path, options), {}),
  npz: async (path, options) => {
    const parts = await npzParts(path);
    const later = (part: 'val' | 'test') =>
      parts.includes('train') && parts.includes(part) ? () => openNpz(path, { ...options, part }) : undefined;
    return together(openNpz(path, { ...options, part: 'train' }), { val: later('val'), test: later('test') });
  },
};

/** Opens the pictures of `part`, whose folders stand beside those of the training; undefined where it has no masks. */
async function besideTraining(
  { images, masks }: ImageMaskPaths,
  part: string,
  options: DatasetOptions,
): Promise<(() => Promise<Dataset>) | undefined> {
  const paths = { images: partPattern(images, part), masks: partPattern(masks, part) };
  if (paths.images === images || paths.masks === masks || (await findFiles(paths.masks)).length === 0) return undefined;
  return () => openImageMaskFolder(paths, options);
}

/** `train/` as `val/` and `train-masks/` as `val-masks/`: in the last folder of a pattern whose name begins so. */
const partPattern = (pattern: string, part: string): string =>
  pattern.replaceAll('\\', '/').replace(/^(.*\/)train([^/]*\/)/, `$1${part}$2`);

/** Opens the parts behind the pool, and closes what is open where one cannot be. */
async function together(
  opening: Promise<Dataset>,
  later: { readonly val?: (() => Promise<Dataset>) | undefined; readonly test?: (() => Promise<Dataset>) | undefined },
): Promise<Opened> {
  const pool = await opening;
  const opened: Dataset[] = [pool];
  try {
    const val = await later.val?.();
    if (val) opened.push(val);
    return { pool, val, test: await later.test?.() };
  } catch (error) {
    for (const each of opened) await each.close();
    throw error;
  }
}

function openSynthetic(spec: DataSpec, target: 'class' | 'mask'): Dataset {
  const { samples = syntheticDefaults.samples, size = syntheticDefaults.size, generatorSeed: seed = 0 } = spec;
  return createSynthetic({ target, classes: spec.classes ?? syntheticDefaults.classes, size, seed }, samples);
}

async function fileNames(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    throw unreadable(folder, error);
  }
}

/** `labels` names the classes, one a line, or else what gives every sample its class: the file itself tells which. */
async function datasetOptions(spec: DataSpec, baseFolder: string): Promise<DatasetOptions> {
  const { classes, ignore } = spec;
  if (spec.labels === undefined) return { classes, ignore };
  const labels = resolve(baseFolder, spec.labels);
  return (await givesClasses(labels)) ? { classes, ignore, labels } : { classes, ignore, classNames: labels };
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
  const lines = (await readLines(path)).filter((line) => line.trim() !== '' && !line.trim().startsWith('#'));
  return lines.length > 0 && lines.every((line) => /\.(png|jpe?g)\s+-?\d+\s*$/i.test(line));
}
