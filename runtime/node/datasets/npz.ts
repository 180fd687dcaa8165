/** Arrays saved by NumPy's `savez`: samples and their labels or masks in one npz file. */
import { basename } from 'node:path';
import { matchClasses, type NamedClasses } from '../../class-names.ts';
import { RuntimeFault } from '../../errors.ts';
import { parseNpyStrings } from '../../files/npy.ts';
import { inMemoryFile, openFile } from '../file-access.ts';
import { readNpzDirectory, readNpzEntry } from '../npz.ts';
import type { NpzEntry } from '../npz.ts';
import type { LeftOut } from './account.ts';
import { badData, readClassNames } from './dataset.ts';
import type { DatasetOptions } from './dataset.ts';
import { located } from './located.ts';
import type { Located, Opened } from './located.ts';
import { arrayDataset, openArray } from './stored-arrays.ts';
import type { SampleLayout, StoredArray } from './stored-arrays.ts';

export type NpzPart = 'train' | 'val' | 'test';

interface Pair {
  readonly samples: string;
  readonly targets: string;
}

/** What the arrays of an npz file are for. */
export interface NpzPlan {
  readonly parts: Readonly<Partial<Record<NpzPart, Pair>>>;
  /** The array of the classes' names. */
  readonly names: string | undefined;
  readonly leftOut: readonly LeftOut[];
}

/** The names in use: plain ones, MedMNIST's (`train_images`), Keras's (`x_train`) and scikit-learn's (`X_train`). */
const partWords: Readonly<Record<string, NpzPart>> = {
  train: 'train',
  val: 'val',
  valid: 'val',
  validation: 'val',
  test: 'test',
};
const sampleWords = ['images', 'x', 'X'];
const targetWords = ['labels', 'masks', 'y', 'Y'];
/** Arrays of strings, one for each class. */
const nameWords = ['class_names', 'label_names'];

/** The part and the word of a name; the plain ones are of no part. Undefined for any other name. */
function readName(name: string): { readonly part: NpzPart | undefined; readonly word: string } | undefined {
  const words = [...sampleWords, ...targetWords];
  if (words.includes(name)) return { part: undefined, word: name };
  const [, first = '', second = ''] = /^([^_]+)_([^_]+)$/.exec(name) ?? [];
  const [part, word] = Object.hasOwn(partWords, first) ? [partWords[first], second] : [partWords[second], first];
  return part !== undefined && words.includes(word) ? { part, word } : undefined;
}

/**
 * Tells by their names what the arrays of a file are: `images` and `labels` or `masks`, or `x` and `y`, plain or by part
 * (`train_images`, `val_labels`, `x_test`); `class_names` names the classes. Plain ones beside those of `val` or `test` are the training's. Throws E0710,
 * E0718, and E0714 where a part has samples without targets or the other way round, or where two arrays could be meant.
 */
export async function planNpz(path: string, target?: DatasetOptions['target']): Promise<NpzPlan> {
  const file = await openFile(path);
  try {
    return planOf(path, [...(await readNpzDirectory(file)).keys()], target);
  } finally {
    await file.close();
  }
}

function planOf(path: string, names: readonly string[], target: DatasetOptions['target']): NpzPlan {
  const byPart = new Map<NpzPart | 'plain', { samples: string[]; targets: string[] }>();
  for (const name of names) {
    const read = readName(name);
    if (!read) continue;
    const part = read.part ?? 'plain';
    const group = byPart.get(part) ?? { samples: [], targets: [] };
    byPart.set(part, group);
    group[sampleWords.includes(read.word) ? 'samples' : 'targets'].push(name);
  }
  const plain = byPart.get('plain');
  if (plain && byPart.has('train')) {
    const [all, training] = [namesIn(plain), namesIn(byPart.get('train'))];
    throw badData(`${path} has ${all} and ${training}: either could be for training`, 'save one of the two');
  }
  const parts: Partial<Record<NpzPart, Pair>> = {};
  for (const [part, group] of byPart) parts[part === 'plain' ? 'train' : part] = pairOf(path, group, target);
  const found = nameWords.find((name) => names.includes(name));
  const pairs = Object.values(parts).flatMap(({ samples, targets }) => [samples, targets]);
  const used = found === undefined || pairs.length === 0 ? pairs : [...pairs, found];
  if (used.length === 0) throw missing(path, names);
  // Each is named: an array may well be what someone believes to be trained on.
  const rest = names.filter((name) => !used.includes(name));
  const reason = rest.length === 1 ? 'array' : 'arrays';
  const leftOut = rest.length === 0 ? [] : [{ reason, count: rest.length, names: rest.slice(0, 20) }];
  return { parts, names: found, leftOut };
}

const namesIn = (group: { readonly samples: string[]; readonly targets: string[] } | undefined): string =>
  [...(group?.samples ?? []), ...(group?.targets ?? [])].join(', ');

function pairOf(
  path: string,
  group: { readonly samples: readonly string[]; readonly targets: readonly string[] },
  target: DatasetOptions['target'],
): Pair {
  const { samples } = group;
  // The loss or the model tells which of both is meant.
  const isMask = (name: string): boolean => name.includes('masks');
  const fitting = group.targets.filter((name) => target === undefined || isMask(name) === (target === 'mask'));
  const targets = fitting.length > 0 ? fitting : group.targets;
  const [first = '', second] = samples.length > 1 ? samples : targets;
  if (second !== undefined) {
    throw badData(
      `${path} has ${first} and ${second}: either could be meant`,
      'save one of the two, or give the other a name of its own',
    );
  }
  const [[sample], [label]] = [samples, targets];
  if (sample !== undefined && label !== undefined) return { samples: sample, targets: label };
  const [there, lacking] = sample === undefined ? [label, 'samples'] : [sample, 'labels or masks'];
  throw badData(
    `${path} has ${there}, but no ${lacking} of the same part`,
    'names of a pair are as `val_images` and `val_labels`',
  );
}

/**
 * Finds one part of an npz file (see `planNpz`): that of `options.part`, else the last there is of train, val and test.
 * Samples are `[N, C, H, W]`, `[N, H, W]`, or `[N, H, W, C]` where only that has 1 or 3 channels; labels `[N]` or `[N, 1]`,
 * masks `[N, H, W]`. Throws as `planNpz`; opening throws E0712 for a broken array and E0714 for arrays that disagree.
 */
export async function locateNpz(path: string, options: DatasetOptions = {}, given?: NpzPlan): Promise<Located> {
  const { parts, names: array, leftOut } = given ?? (await planNpz(path, options.target));
  const wanted = options.part ?? (['test', 'val', 'train'] as const).find((part) => parts[part]);
  const pair = wanted && parts[wanted];
  if (!pair) {
    const there = Object.keys(parts).join(' and ');
    throw badData(
      `${path} has samples for ${there} alone, and none for ${wanted}`,
      `\`cnnc eval --data npz:${basename(path)}\` measures on them`,
    );
  }
  const names = typeof options.classNames === 'string' ? [options.classNames] : [];
  return located([path, ...names], leftOut, () => openPair(path, pair, array, options));
}

async function openPair(path: string, pair: Pair, array: string | undefined, options: DatasetOptions): Promise<Opened> {
  const given = await readClassNames(options.classNames);
  const file = await openFile(path);
  try {
    const entries = await readNpzDirectory(file);
    const load = async (name: string): Promise<StoredArray> => {
      const entry = entries.get(name);
      if (!entry) throw missing(path, [...entries.keys()]);
      return openArray(inMemoryFile(`${name} of ${path}`, await readNpzEntry(file, entry satisfies NpzEntry)));
    };
    const names = array === undefined ? undefined : entries.get(array);
    const own = names && namesOfArray(`${array} of ${path}`, await readNpzEntry(file, names));
    const classNames = own ?? given;
    if (own && given)
      compareNames(
        { who: path, names: own },
        { who: typeof options.classNames === 'string' ? options.classNames : 'the list of classes', names: given },
      );
    const targets = await load(pair.targets);
    const samples = await load(pair.samples);
    const range = { ...options, classes: options.classes ?? classNames?.length };
    return { ...(await arrayDataset('npz', samples, layoutOf(samples), targets, range)), classNames };
  } finally {
    await file.close();
  }
}

/** What stands in the file itself tells the numbers apart; a list that is given must be of the same classes. */
function compareNames(own: NamedClasses, given: NamedClasses): void {
  matchClasses(given, own);
  matchClasses(own, given);
}

function namesOfArray(place: string, bytes: Uint8Array): readonly string[] {
  try {
    return parseNpyStrings(bytes);
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    throw new RuntimeFault(error.code, error.kind, `${place}: ${error.message}`, error.help);
  }
}

function missing(path: string, names: readonly string[]) {
  const found = names.slice(0, 8).join(', ') || 'nothing';
  const help = 'save the samples as `images` and their classes as `labels`, or masks as `masks`';
  return badData(`${path} holds ${found}, which are no samples with labels`, help);
}

function layoutOf({ file, shape }: StoredArray): SampleLayout {
  const [, a = 0, b = 0, c = 0] = shape;
  const found = `[${shape.join(', ')}]`;
  if (shape.length === 3) return { channels: 1, height: a, width: b, channelsLast: false };
  if (shape.length !== 4) throw badData(`${file.path} has the shape ${found}, not [N, C, H, W] or [N, H, W]`);
  const isColour = (channels: number) => channels === 1 || channels === 3;
  if (isColour(c) && isColour(a) && (a !== b || b !== c)) {
    throw badData(`${file.path} has the shape ${found}, which may be [N, C, H, W] or [N, H, W, C]`);
  }
  if (isColour(c) && !isColour(a)) return { channels: c, height: a, width: b, channelsLast: true };
  return { channels: a, height: b, width: c, channelsLast: false };
}
