/** What the data of a run is: counted, divided, and what of it is left out. */
import type { SplitCounts, SplitName } from '../train/splits.ts';
import { leftOutText, type LeftOut } from './datasets/account.ts';
import type { Dataset } from './datasets/dataset.ts';
import type { Parts } from './datasets/open-parts.ts';

export interface DataAccount {
  /** Path of the data, as messages name it. */
  readonly name: string;
  readonly what: 'pictures' | 'samples' | 'pictures with masks' | 'generated pictures';
  readonly samples: number;
  /** Samples of each class, in the order of the classes; undefined where reading them all is not cheap. */
  readonly classes: readonly { readonly name: string; readonly count: number }[] | undefined;
  /** Samples of each part that is used. */
  readonly parts: SplitCounts;
  /** Samples in none of them. */
  readonly unused: number;
  /** Parts whose size nobody gave: a tenth each. */
  readonly unasked: readonly ('val' | 'test')[];
  readonly leftOut: readonly LeftOut[];
}

/** Counts the samples of all parts. Throws what reading the labels throws. */
export async function accountOf(
  { name, leftOut, ...datasets }: Parts,
  parts: SplitCounts,
  unasked: DataAccount['unasked'],
): Promise<DataAccount> {
  const all = [datasets.pool, datasets.val, datasets.test].filter((each) => each !== undefined);
  const samples = all.reduce((sum, { size }) => sum + size, 0);
  const used = parts.train + parts.val + parts.test;
  const classes = await countClasses(all);
  return { name, what: whatOf(datasets.pool), samples, classes, parts, unused: samples - used, unasked, leftOut };
}

function whatOf({ format, target, kind }: Dataset): DataAccount['what'] {
  if (format === 'synthetic') return 'generated pictures';
  if (kind !== 'image') return 'samples';
  return target === 'mask' ? 'pictures with masks' : 'pictures';
}

async function countClasses(datasets: readonly Dataset[]): Promise<DataAccount['classes']> {
  const [first] = datasets;
  const counts = new Map<string, number>((first?.classNames ?? []).map((name) => [name, 0]));
  const numbers = new Map<number, number>();
  for (const { labels, classNames } of datasets) {
    if (!labels) return undefined;
    for (const label of Array.from(await labels())) {
      const name = classNames?.[label];
      if (name === undefined) numbers.set(label, (numbers.get(label) ?? 0) + 1);
      else counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const numbered = [...numbers].toSorted(([a], [b]) => a - b);
  for (const [label, count] of numbered) counts.set(String(label), count);
  return [...counts].map(([name, count]) => ({ name, count }));
}

/** Classes that a line lists. */
const mostListed = 6;

const format = (count: number): string => count.toLocaleString('en-US');

/**
 * One line: `800 pictures (building 200, road 200, sky 400), 640 / 80 / 80 for train / val / test; left out: 3 .txt
 * (a/notes.txt, ...)`. The parts that nobody asked for are said to be tenths.
 */
export function accountLine(account: DataAccount): string {
  const { what, samples, parts, unused, unasked, leftOut } = account;
  const divided = [parts.train, parts.val, parts.test].map(format).join(' / ');
  const rule = unasked.length === 0 ? '' : ` (no split is written: a tenth for ${unasked.join(' and a tenth for ')})`;
  const rest = [
    ...(unused > 0 ? [`${format(unused)} in no part`] : []),
    ...(leftOut.length > 0 ? [`left out: ${leftOutText(leftOut)}`] : []),
  ];
  const all = `${format(samples)} ${what}${classText(account.classes)}, ${divided} for train / val / test${rule}`;
  return [all, ...rest].join('; ');
}

/** The same for what is measured: all samples, or those of one part. */
export function measuredLine(account: DataAccount, part: SplitName | undefined): string {
  const { what, samples, parts, unasked, leftOut } = account;
  const rest = leftOut.length > 0 ? `; left out: ${leftOutText(leftOut)}` : '';
  if (part === undefined) return `${format(samples)} ${what}${classText(account.classes)}${rest}`;
  const isUnasked = unasked.some((each) => each === part);
  const rule = isUnasked ? ': no split is written, so that a tenth is its part' : '';
  return `the ${part} part, ${format(parts[part])} of ${format(samples)} ${what}${rule}${rest}`;
}

/** `(building 200, road 200)`; many classes are shortened. */
export function classText(classes: DataAccount['classes']): string {
  if (!classes || classes.length === 0) return '';
  const counts = classes.map(({ count }) => count);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const range = least === most ? format(least) : `${format(least)} to ${format(most)}`;
  // Counts beside numbers would be taken for one another.
  if (classes.every(({ name }) => /^\d+$/.test(name))) return ` (${format(classes.length)} classes of ${range})`;
  const list = classes.slice(0, classes.length > mostListed ? 2 : mostListed);
  const shown = list.map(({ name, count }) => `${name} ${format(count)}`).join(', ');
  if (list.length === classes.length) return ` (${shown})`;
  return ` (${shown}, ...: ${format(classes.length)} classes of ${range})`;
}
