/** Arrays saved by NumPy's `savez`: samples and their labels or masks in one npz file. */
import { inMemoryFile, openFile } from '../file-access.ts';
import { readNpzDirectory, readNpzEntry } from '../npz.ts';
import type { NpzEntry } from '../npz.ts';
import { badData, readClassNames } from './dataset.ts';
import type { Dataset, DatasetOptions } from './dataset.ts';
import { arrayDataset, openArray } from './stored-arrays.ts';
import type { SampleLayout, StoredArray } from './stored-arrays.ts';

type Part = 'train' | 'val' | 'test';

/** The names in use: plain ones, MedMNIST's (`train_images`) and Keras's (`x_train`). */
const plain = [
  ['images', 'labels'],
  ['images', 'masks'],
  ['x', 'y'],
] as const;

function namesOf(part: Part): readonly (readonly [string, string])[] {
  const prefixed = plain.map(([samples, labels]) => [`${part}_${samples}`, `${part}_${labels}`] as const);
  return [...prefixed, [`x_${part}`, `y_${part}`] as const];
}

/** The parts that an npz file holds apart; empty where it has one pair of arrays for all. Throws as `openNpz`. */
export async function npzParts(path: string): Promise<readonly Part[]> {
  const file = await openFile(path);
  try {
    const entries = await readNpzDirectory(file);
    return (['train', 'val', 'test'] as const).filter((part) => pairIn(entries, namesOf(part)) !== undefined);
  } finally {
    await file.close();
  }
}

/**
 * Opens one part of an npz file, or its only pair of arrays: `images` and `labels` or `masks`, or `x` and `y`; by parts
 * `train_images`, `val_images`, ... or `x_train`, ... Samples are `[N, C, H, W]`, `[N, H, W]`, or `[N, H, W, C]` where
 * only that has 1 or 3 channels; labels `[N]` or `[N, 1]`, masks `[N, H, W]`. Throws E0710, E0718 for a broken archive,
 * E0712 for a broken array in it and E0714 for arrays that are missing or disagree.
 */
export async function openNpz(
  path: string,
  options: Omit<DatasetOptions, 'part'> & { readonly part?: Part | undefined } = {},
): Promise<Dataset> {
  const classNames = await readClassNames(options.classNames);
  const file = await openFile(path);
  try {
    const entries = await readNpzDirectory(file);
    const pair = pairIn(entries, plain) ?? pairIn(entries, namesOf(options.part ?? 'test'));
    if (!pair) throw missing(path, entries);
    const load = async (entry: NpzEntry): Promise<StoredArray> =>
      openArray(inMemoryFile(`${entry.name} of ${path}`, await readNpzEntry(file, entry)));
    const labels = await load(pair.labels);
    const samples = await load(pair.samples);
    const range = { classes: options.classes ?? classNames?.length, ignore: options.ignore };
    return { ...(await arrayDataset('npz', samples, layoutOf(samples), labels, range)), classNames };
  } finally {
    await file.close();
  }
}

function pairIn(entries: ReadonlyMap<string, NpzEntry>, names: readonly (readonly [string, string])[]) {
  for (const [first, second] of names) {
    const [samples, labels] = [entries.get(first), entries.get(second)];
    if (samples && labels) return { samples, labels };
  }
  return undefined;
}

function missing(path: string, entries: ReadonlyMap<string, NpzEntry>) {
  const found = [...entries.keys()].slice(0, 8).join(', ') || 'nothing';
  const help = 'save the samples as `images` and their classes as `labels`, or masks as `masks`';
  return badData(`${path} holds ${found}, which are no samples with labels`, help);
}

function layoutOf({ file, shape }: StoredArray): SampleLayout {
  const [, a = 0, b = 0, c = 0] = shape;
  if (shape.length === 3) return { channels: 1, height: a, width: b, channelsLast: false };
  if (shape.length !== 4)
    throw badData(`${file.path} has the shape [${shape.join(', ')}], not [N, C, H, W] or [N, H, W]`);
  const isColour = (channels: number) => channels === 1 || channels === 3;
  if (isColour(c) && !isColour(a)) return { channels: c, height: a, width: b, channelsLast: true };
  return { channels: a, height: b, width: c, channelsLast: false };
}
