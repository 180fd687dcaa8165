/** The data of a training run: its parts, checked before the first step. */
import type { SampleSource } from '../train/loader.ts';
import type { DataSpec } from '../train/recipe.ts';
import { noTraining, resolveCounts, splitIndices, takeIndices } from '../train/splits.ts';
import type { SplitName } from '../train/splits.ts';
import { badData } from './datasets/dataset.ts';
import type { Dataset } from './datasets/dataset.ts';
import { openParts } from './datasets/open-parts.ts';
import type { Parts } from './datasets/open-parts.ts';

/** Settings that stand for those of the recipe's data. */
export interface DataOverrides extends Partial<Omit<DataSpec, 'split'>> {
  readonly split?: Partial<DataSpec['split']>;
  /** What the loss needs, for formats that can have either; a class unless told. */
  readonly target?: 'class' | 'mask';
  /** Whether every class must have a sample, which is what learning needs and measuring does not; true unless told. */
  readonly everyClass?: boolean;
  /** Whether a training split must have samples; true unless told. */
  readonly needsTraining?: boolean;
}

/** What opens the same data once more, in another thread. */
export interface DataOrigin {
  readonly spec: DataSpec;
  readonly baseFolder: string;
  readonly target: 'class' | 'mask';
}

export interface TrainingData {
  readonly origin: DataOrigin;
  /** Undefined where the split leaves none, as `val` and `test` are. */
  readonly train: SampleSource | undefined;
  readonly val: SampleSource | undefined;
  readonly test: SampleSource | undefined;
  readonly target: 'class' | 'mask';
  /** As far as recipe or data say. */
  readonly classes: number | undefined;
  readonly classNames: readonly string[] | undefined;
  /** Of the pictures themselves: grey has 1, colour 3. */
  readonly channels: number;
  /** `[channels, height, width]`; undefined where every picture has its own size. */
  readonly shape: readonly [number, number, number] | undefined;
  close(): Promise<void>;
}

/**
 * Opens the data that a recipe names, relative to the folder of its source file, and divides it (see `resolveCounts`
 * for sizes that are not given). What can be told without decoding is checked: headers and sizes of files, the range
 * of labels, classes without a sample. Throws E0710 (unreadable), E0712, E0714 and E0718 (malformed), naming file and
 * record, and E0719 for a split that the data is too small for, or that leaves nothing for a training.
 */
export async function openTrainingData(
  given: DataSpec,
  baseFolder: string,
  { target = 'class', everyClass = true, needsTraining = true, ...overrides }: DataOverrides = {},
): Promise<TrainingData> {
  const spec: DataSpec = { ...given, ...overrides, split: { ...given.split, ...overrides.split } };
  const origin = { spec, baseFolder, target };
  const parts = await openParts(spec, baseFolder, target);
  try {
    const { counts, ...splits } = divide(parts, spec);
    if (needsTraining && !splits.train) throw noTraining(parts.name, counts);
    return {
      ...(await checked(parts, spec, everyClass)),
      ...splits,
      origin,
      close: () => closeParts(parts),
    };
  } catch (error) {
    await closeParts(parts);
    throw error;
  }
}

/** The same splits once more, without the checks. */
export async function reopenSplits({ spec, baseFolder, target }: DataOrigin) {
  const parts = await openParts(spec, baseFolder, target);
  return { ...divide(parts, spec), close: () => closeParts(parts) };
}

async function closeParts({ pool, val, test }: Parts): Promise<void> {
  for (const dataset of [pool, val, test]) await dataset?.close();
}

const splitWords: Readonly<Record<SplitName, string>> = { train: 'training', val: 'validation', test: 'test' };

function divide({ name, pool, ...apart }: Parts, { split, limit = pool.size }: DataSpec) {
  const own = (['val', 'test'] as const).filter((part) => apart[part] !== undefined);
  const size = Math.min(limit, pool.size);
  const counts = resolveCounts(size, split, own, name);
  const indices = splitIndices(size, counts, split.seed);
  const sourceOf = (part: SplitName): SampleSource | undefined => {
    const dataset = part === 'train' ? pool : (apart[part] ?? pool);
    const words = `the ${splitWords[part]} split of ${name}`;
    const chosen = dataset === pool ? indices[part] : takeIndices(dataset.size, split[part], split.seed, words);
    return chosen.length > 0 ? sampleSource(dataset, chosen, words) : undefined;
  };
  return { counts, train: sourceOf('train'), val: sourceOf('val'), test: sourceOf('test') };
}

function sampleSource(dataset: Dataset, indices: Uint32Array, name: string): SampleSource {
  const indexOf = (position: number) => indices[position] ?? 0;
  return {
    name,
    size: indices.length,
    kind: dataset.kind,
    shape: dataset.shape,
    indexOf,
    read: (position) => dataset.read(indexOf(position)),
  };
}

async function checked(parts: Parts, { classes: given, ignore }: DataSpec, everyClass: boolean) {
  const { name, pool } = parts;
  const { target, shape, classNames } = pool;
  checkNames(classNames, given, ignore);
  const labels = await checkParts(parts);
  const classes = given ?? classNames?.length ?? (labels && highest(labels) + 1);
  if (everyClass && labels && classes !== undefined) checkEveryClass(labels, { classes, classNames, ignore, name });
  return { target, classes, classNames, shape, channels: shape?.[0] ?? 3 };
}

function checkNames(
  names: readonly string[] | undefined,
  classes: number | undefined,
  ignore: number | undefined,
): void {
  // The class to ignore may be named behind the others.
  const most = ignore !== undefined && ignore === classes ? ignore + 1 : classes;
  if (classes === undefined || !names || names.length === classes || names.length === most) return;
  throw badData(`${names.length} classes are named, but the dataset has ${classes}`);
}

/** Whether the parts belong together, and every label is in range; the labels of the pool. */
async function checkParts({ pool, val, test }: Parts): Promise<ArrayLike<number> | undefined> {
  for (const other of [val, test]) {
    if (!other) continue;
    compareParts(pool, other);
    await other.labels?.();
  }
  return pool.labels?.();
}

function highest(labels: ArrayLike<number>): number {
  let most = 0;
  for (let at = 0; at < labels.length; at++) most = Math.max(most, labels[at] ?? 0);
  return most;
}

function compareParts(pool: Dataset, other: Dataset): void {
  const words = (shape: Dataset['shape']) => (shape ? `[${shape.join(', ')}]` : 'pictures of several sizes');
  if (words(pool.shape) !== words(other.shape)) {
    throw badData(`samples for training are ${words(pool.shape)}, but others of the data are ${words(other.shape)}`);
  }
  if (pool.classNames && other.classNames && pool.classNames.join('\n') !== other.classNames.join('\n')) {
    throw badData(`the parts of the data have other classes: ${pool.classNames.length} and ${other.classNames.length}`);
  }
}

interface Classes {
  readonly classes: number;
  readonly classNames: readonly string[] | undefined;
  readonly ignore: number | undefined;
  readonly name: string;
}

/** A class that no sample has cannot be learned; it is a wrong `classes` or an incomplete download. */
function checkEveryClass(labels: ArrayLike<number>, { classes, classNames, ignore, name }: Classes): void {
  const seen = new Set(Array.from(labels));
  for (let index = 0; index < classes; index++) {
    if (seen.has(index) || index === ignore) continue;
    const words = classNames?.[index] === undefined ? `class ${index}` : `class ${index} (${classNames[index]})`;
    throw badData(
      `${words} of ${classes} has no sample in ${name}`,
      'set classes to the number of classes in the data',
    );
  }
}
