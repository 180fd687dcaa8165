/** The data of a training run: its parts, checked before the first step. */
import { RuntimeFault } from '../errors.ts';
import type { SampleSource } from '../train/loader.ts';
import type { DataSpec } from '../train/recipe.ts';
import { noTraining, resolveCounts, splitIndices, takeIndices } from '../train/splits.ts';
import type { SplitCounts, SplitName } from '../train/splits.ts';
import { alignParts, emptyClasses, type Aligned, type Scores } from './align-classes.ts';
import { checkSamples, type Piece } from './check-samples.ts';
import { accountOf, type DataAccount } from './data-account.ts';
import { badData } from './datasets/dataset.ts';
import type { Dataset } from './datasets/dataset.ts';
import { openParts } from './datasets/open-parts.ts';
import type { Parts } from './datasets/open-parts.ts';
import { once } from './once.ts';

/** Settings that stand for those of the recipe's data. */
export interface DataOverrides extends Partial<Omit<DataSpec, 'split'>> {
  readonly split?: Partial<DataSpec['split']>;
  /** What the loss needs, for formats that can have either; a class unless told. */
  readonly target?: 'class' | 'mask';
  /** The model that the data is for: its classes and those of the data are compared, and matched by name. */
  readonly scores?: Scores | undefined;
  /** Whether a training split must have samples; true unless told. */
  readonly needsTraining?: boolean;
}

/** What opens the same data once more, in another thread. */
export interface DataOrigin {
  readonly spec: DataSpec;
  readonly baseFolder: string;
  readonly target: 'class' | 'mask';
  readonly scores: Scores | undefined;
}

export interface TrainingData {
  readonly origin: DataOrigin;
  /** Undefined where the split leaves none, as `val` and `test` are. */
  readonly train: SampleSource | undefined;
  readonly val: SampleSource | undefined;
  readonly test: SampleSource | undefined;
  readonly target: 'class' | 'mask';
  /** As far as model, recipe or data say. */
  readonly classes: number | undefined;
  /** In the order of the labels that samples have, which is that of the model's scores. */
  readonly classNames: readonly string[] | undefined;
  /** What its user should know: classes that were matched by name, and those without a sample. */
  readonly notes: readonly string[];
  /** Of the pictures themselves: grey has 1, colour 3. */
  readonly channels: number;
  /** What was read and left out; for a line before work starts, see `accountLine`. */
  readonly account: DataAccount;
  /** `[channels, height, width]`; undefined where every picture has its own size. */
  readonly shape: readonly [number, number, number] | undefined;
  close(): Promise<void>;
}

/**
 * Opens the data that a recipe names, relative to the folder of its source file, and divides it (see `resolveCounts`
 * for sizes that are not given). What takes less than an epoch of reading is checked: headers and sizes of files, the
 * range of labels, names and numbers of classes (see `alignParts`), pictures, masks and arrays (see `checkSamples`).
 * Throws E0710 (unreadable), E0712, E0713, E0714 and E0718 (malformed), naming file and record, and E0719 for a split
 * that the data is too small for, or that leaves nothing for a training.
 */
export async function openTrainingData(
  given: DataSpec,
  baseFolder: string,
  { target = 'class', scores, needsTraining = true, ...overrides }: DataOverrides = {},
): Promise<TrainingData> {
  const spec: DataSpec = { ...given, ...overrides, split: { ...given.split, ...overrides.split } };
  const origin = { spec, baseFolder, target, scores };
  const parts = await openFor(origin);
  try {
    const aligned = alignedFor(origin, parts);
    const { counts, pieces, ...splits } = divide(aligned.parts, spec);
    if (needsTraining && !splits.train) throw noTraining(parts.name, counts);
    const known = await checked(aligned, spec, scores);
    await once(['samples', origin], () => checkSamples(pieces, spec.ignore));
    return {
      ...known,
      ...splits,
      origin,
      account: await accountOf(parts, sizesOf(splits), unaskedOf(parts, spec)),
      close: () => closeParts(parts),
    };
  } catch (error) {
    await closeParts(parts);
    throw error;
  }
}

/**
 * Compares classes with those of a model, without a look at samples; data that cannot be opened here is left alone. Gives
 * the names that the data has for its classes. Throws E0714.
 */
export async function checkClasses(
  spec: DataSpec,
  baseFolder: string,
  { target, scores }: Pick<DataOrigin, 'target' | 'scores'>,
): Promise<readonly string[] | undefined> {
  const origin = { spec, baseFolder, target, scores };
  const parts = await openFor(origin).catch((error: unknown) => {
    if (error instanceof RuntimeFault) return undefined;
    throw error;
  });
  if (!parts) return undefined;
  try {
    alignedFor(origin, parts);
    return parts.pool.classNames;
  } finally {
    await closeParts(parts);
  }
}

/** The same splits once more, without the checks. */
export async function reopenSplits(origin: DataOrigin) {
  const parts = await openFor(origin);
  return { ...divide(alignedFor(origin, parts).parts, origin.spec), close: () => closeParts(parts) };
}

/** The samples of each part as the data has them, without a look at any: for who looks at them all. */
export async function openPieces(spec: DataSpec, target: 'class' | 'mask') {
  const parts = await openParts(spec, '.', target);
  try {
    const { counts: _, pieces, ...splits } = divide(parts, spec);
    const account = await accountOf(parts, sizesOf(splits), unaskedOf(parts, spec));
    return { account, pieces, close: () => closeParts(parts) };
  } catch (error) {
    await closeParts(parts);
    throw error;
  }
}

/** Classes of whole pictures are none of pixels; whoever reads the samples says so. */
const alignedFor = ({ spec, target, scores }: DataOrigin, parts: Parts): Aligned =>
  alignParts(parts, spec, parts.pool.target === target ? scores : undefined);

/** Labels may not exceed the model's classes where the data names none. */
const openFor = ({ spec, baseFolder, target, scores }: DataOrigin): Promise<Parts> =>
  openParts({ ...spec, classes: spec.classes ?? scores?.classes }, baseFolder, target);

const sizesOf = ({ train, val, test }: Record<SplitName, SampleSource | undefined>): SplitCounts => ({
  train: train?.size ?? 0,
  val: val?.size ?? 0,
  test: test?.size ?? 0,
});

/** Parts that are drawn because no size is written for any. */
function unaskedOf(parts: Parts, { split }: DataSpec): readonly ('val' | 'test')[] {
  const drawn = (['val', 'test'] as const).filter((part) => parts[part] === undefined);
  return split.train === undefined && drawn.every((part) => split[part] === undefined) ? drawn : [];
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
  const pieces: (Piece & { readonly part: SplitName })[] = [];
  const sourceOf = (part: SplitName): SampleSource | undefined => {
    const dataset = part === 'train' ? pool : (apart[part] ?? pool);
    const words = `the ${splitWords[part]} split of ${name}`;
    const chosen = dataset === pool ? indices[part] : takeIndices(dataset.size, split[part], split.seed, words);
    if (chosen.length === 0) return undefined;
    pieces.push({ part, dataset, indices: chosen, words });
    return sampleSource(dataset, chosen, words);
  };
  return { counts, pieces, train: sourceOf('train'), val: sourceOf('val'), test: sourceOf('test') };
}

function sampleSource(dataset: Dataset, indices: Uint32Array, name: string): SampleSource {
  const indexOf = (position: number) => indices[position] ?? 0;
  return {
    name,
    size: indices.length,
    kind: dataset.kind,
    shape: dataset.shape,
    indexOf,
    ...(dataset.filesOf ? { filesOf: (position: number) => dataset.filesOf?.(indexOf(position)) ?? [] } : {}),
    read: (position) => dataset.read(indexOf(position)),
  };
}

async function checked({ parts, classNames, missing, notes }: Aligned, spec: DataSpec, scores: Scores | undefined) {
  const { name, pool } = parts;
  const { target, shape } = pool;
  const labels = await checkParts(parts);
  const { ignore } = spec;
  const classes = scores?.classes ?? spec.classes ?? classNames?.length ?? (labels && highest(labels) + 1);
  const without = { names: classNames, ignore, besides: missing };
  const empty = labels && classes !== undefined ? emptyClasses(labels, classes, without, name) : undefined;
  return {
    target,
    classes,
    classNames,
    shape,
    channels: shape?.[0] ?? 3,
    notes: empty === undefined ? notes : [...notes, empty],
  };
}

/** Whether the parts belong together, and every label is in range; the labels of the pool. */
async function checkParts({ pool, val, test }: Parts): Promise<ArrayLike<number> | undefined> {
  for (const other of [val, test]) {
    if (!other) continue;
    compareShapes(pool, other);
    await other.labels?.();
  }
  return pool.labels?.();
}

function highest(labels: ArrayLike<number>): number {
  let most = 0;
  for (let at = 0; at < labels.length; at++) most = Math.max(most, labels[at] ?? 0);
  return most;
}

function compareShapes(pool: Dataset, other: Dataset): void {
  const words = (shape: Dataset['shape']) => (shape ? `[${shape.join(', ')}]` : 'pictures of several sizes');
  if (words(pool.shape) !== words(other.shape)) {
    throw badData(`samples for training are ${words(pool.shape)}, but others of the data are ${words(other.shape)}`);
  }
}
