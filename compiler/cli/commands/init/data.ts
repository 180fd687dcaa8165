/** `cnnc init --data FOLDER`: looks at a folder of pictures, a folder a class, and writes what trains on it. */
import { realpathSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { isAbsolute, relative, resolve } from 'node:path';
import { badData } from '../../../../runtime/node/datasets/dataset.ts';
import type { Dataset } from '../../../../runtime/node/datasets/dataset.ts';
import { openParts } from '../../../../runtime/node/datasets/open-parts.ts';
import type { Parts } from '../../../../runtime/node/datasets/open-parts.ts';
import { leftOutText } from '../../../../runtime/node/datasets/account.ts';
import { unreadable } from '../../../../runtime/node/file-access.ts';
import { shownPath } from '../../command-line.ts';
import { pictureNetwork, type Findings } from './picture-network.ts';
import { count, formatInteger, oneLine } from '../../../driver/text.ts';

export interface PictureProject {
  /** What was found, in a few lines. */
  readonly summary: string;
  /** The text of `model.cnn`. */
  readonly source: string;
}

/** How many pictures are decoded: enough to know their size and colours. */
const looks = 100;
const leastPictures = 10;

/** Throws what opening and decoding pictures throws, and E0714 for a folder that nothing can be learnt from. */
export async function projectFor(data: string, folder: string): Promise<PictureProject> {
  await refuseMasks(data);
  const spec = { name: 'pictures', format: 'image-folder', path: resolve(data), split: { seed: 0 } } as const;
  const parts = await openParts(spec, '.', 'class');
  try {
    const findings = { ...(await look(parts)), path: dataPath(data, folder) };
    const left = leftOutText(parts.leftOut);
    const summary = summaryOf(findings, data) + (left === '' ? '' : `\nleft out: ${oneLine(left)}`);
    return { summary, source: pictureNetwork(findings) };
  } finally {
    for (const part of [parts.pool, parts.val, parts.test]) await part?.close();
  }
}

async function refuseMasks(data: string): Promise<void> {
  const names = await readdir(data).catch((error: unknown) => {
    throw unreadable(data, error);
  });
  if (!names.includes('images') || !names.includes('masks')) return;
  throw badData(
    `${data} has images and masks; --data is for a folder a class`,
    'start from --template unet, and name the patterns of both in its dataset',
  );
}

async function look({ pool, val, test }: Parts): Promise<Omit<Findings, 'path'>> {
  const classes = pool.classNames ?? [];
  const samples = { pool: pool.size, val: val?.size, test: test?.size };
  if (classes.length < 2) {
    throw badData(`there is one class, ${classes[0] ?? ''}; telling apart takes two`, 'make a folder for each class');
  }
  if (pool.size < leastPictures) {
    throw badData(`${count(pool.size, 'picture')} are too few to learn from`, `have ${leastPictures} or more`);
  }
  return { classes, samples, perClass: await countClasses(pool, classes.length), ...(await lookAtPixels(pool)) };
}

async function countClasses(pool: Dataset, classes: number): Promise<readonly number[]> {
  const counts = Array.from({ length: classes }, () => 0);
  const labels = (await pool.labels?.()) ?? [];
  for (let at = 0; at < labels.length; at++) counts[labels[at] ?? 0] = (counts[labels[at] ?? 0] ?? 0) + 1;
  return counts;
}

/** Sizes, colours and their mean and deviation, of pictures that lie evenly in the pool. */
async function lookAtPixels(pool: Dataset): Promise<Pick<Findings, 'sides' | 'isGrey' | 'mean' | 'std'>> {
  const sides: (readonly [number, number])[] = [];
  const [sum, squares] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  let [isGrey, pixels] = [true, 0];
  const step = Math.max(1, pool.size / looks);
  for (let at = 0; at < pool.size; at += step) {
    const { input } = await pool.read(Math.floor(at));
    if (input.kind !== 'image') continue;
    const { width, height, channels, data } = input.image;
    sides.push([width, height]);
    const colours = channels < 3 ? [0, 0, 0] : [0, 1, 2];
    // A few thousand pixels of a picture say what its colours are.
    const stride = Math.max(1, Math.floor((width * height) / 4096)) * channels;
    for (let from = 0; from + channels <= data.length; from += stride) {
      const [r = 0, g = 0, b = 0] = colours.map((offset) => (data[from + offset] ?? 0) / 255);
      isGrey &&= r === g && g === b;
      for (const [channel, value] of [r, g, b].entries()) {
        sum[channel] = (sum[channel] ?? 0) + value;
        squares[channel] = (squares[channel] ?? 0) + value * value;
      }
      pixels++;
    }
  }
  const mean = sum.map((total) => total / pixels);
  const std = squares.map((total, at) => Math.sqrt(Math.max(0, total / pixels - (mean[at] ?? 0) ** 2)));
  return { sides, isGrey, mean, std };
}

/**
 * From the project on, with forward slashes; absolute on another drive, and where a link makes `..` lead elsewhere by its
 * text than by its folders, for a source is found by either.
 */
function dataPath(data: string, folder: string): string {
  const way = relative(resolve(folder), resolve(data));
  const isClear = !isAbsolute(way) && way === relative(existing(resolve(folder)), realpathSync(data));
  return (isClear ? way || '.' : resolve(data)).replaceAll('\\', '/');
}

/** Links followed as far as there are folders: the project's own may be yet to come. */
function existing(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    const parent = resolve(folder, '..');
    return parent === folder ? folder : resolve(existing(parent), folder.slice(parent.length).replace(/^[/\\]+/, ''));
  }
}

function summaryOf({ classes, samples, perClass, sides, isGrey }: Findings, data: string): string {
  const { pool, val, test } = samples;
  const shown = classes.slice(0, 6).map((name, at) => `${name} ${formatInteger(perClass[at] ?? 0)}`);
  const more = classes.length > shown.length ? ', ...' : '';
  const apart = [
    val === undefined ? [] : [`${val} for validation`],
    test === undefined ? [] : [`${test} for the test`],
  ];
  const held = apart.flat().length > 0 ? `; ${apart.flat().join(' and ')} apart` : '';
  const areas = sides.toSorted(([a, b], [c, d]) => a * b - c * d);
  const [least, most] = [areas[0], areas.at(-1)].map((side) => (side ?? [0, 0]).join('x'));
  const size = least === most ? `${least} pixels` : `${least} to ${most} pixels`;
  return (
    `${shownPath(data)}: ${formatInteger(pool)} pictures of ${count(classes.length, 'class', 'classes')} ` +
    `(${shown.join(', ')}${more})\n${isGrey ? 'grey' : 'colour'}, ${size}${held}`
  );
}
