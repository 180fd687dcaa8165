/** Divides samples into parts by a seed. */
import { RuntimeFault } from '../errors.ts';
import { permutation, purposes, randomStream } from './random-stream.ts';

const splitNames = ['train', 'val', 'test'] as const;
export type SplitName = (typeof splitNames)[number];

/** How many samples each part gets. */
export type SplitCounts = Readonly<Record<SplitName, number>>;

/** A number of samples, or a share of those there are, from 0 to 1. */
export type SplitSize = number | { readonly share: number };

/** What a recipe asks for; undefined leaves it to the default. */
export type AskedSizes = Readonly<Partial<Record<SplitName, SplitSize | undefined>>>;

/** Sums of shares such as 0.7 + 0.2 + 0.1 miss 1 by a few units in the last place. */
const slack = 1e-9;

/**
 * The sizes of parts that come from one pool of samples. `own` lists the parts that the data holds apart: they are no
 * part of the pool, and sizes asked for them are not looked at here.
 *
 * Where nothing is asked, validation gets a tenth of the pool and the test another tenth (at least one sample), unless the
 * data has its own; training gets the rest. Where something is asked, parts that are not named are empty, but training
 * gets what is left if it is not named itself; that may be nothing. Shares are laid end to end in the order train, val,
 * test, and each end is rounded to the nearest sample, so that shares of one together leave no sample out. Throws E0719
 * where the pool is too small, and for a share that comes to no sample.
 */
export function resolveCounts(pool: number, asked: AskedSizes, own: readonly SplitName[], name: string): SplitCounts {
  const mine = splitNames.filter((part) => !own.includes(part));
  const silent = mine.every((part) => asked[part] === undefined);
  const tenth = Math.max(1, Math.floor(pool / 10));
  const wanted = (part: SplitName): SplitSize | undefined => {
    if (!mine.includes(part)) return 0;
    return asked[part] ?? (part === 'train' ? undefined : silent ? tenth : 0);
  };
  const sizes = { train: wanted('train'), val: wanted('val'), test: wanted('test') };
  const [val, test] = [sizes.val ?? 0, sizes.test ?? 0];
  const list = listOf(mine, sizes);
  checkShares(sizes, [], name);
  const shares = sharedCounts(pool, sizes, name);
  const taken = countOf(shares.val, val) + countOf(shares.test, test);
  const train = countOf(shares.train, sizes.train ?? pool - taken);
  const counts = { train, val: countOf(shares.val, val), test: countOf(shares.test, test) };
  if (!Object.values(counts).every((count) => Number.isSafeInteger(count))) {
    throw tooSmall(`a split of ${name} has sizes that are no integers: ${list}`);
  }
  if (train < 0 || train + taken > pool) {
    const needed = Math.max(train, 0) + taken;
    throw tooSmall(`the split (${list}) needs ${needed} samples, but ${name} has ${pool}`, 'ask for fewer samples');
  }
  return counts;
}

/** Throws E0719 where shares of parts that come from one pool are more than all of it, or no shares. */
export function checkShares(asked: AskedSizes, own: readonly SplitName[], name: string): void {
  const parts = splitNames.filter((part) => !own.includes(part) && typeof asked[part] === 'object');
  let all = 0;
  for (const part of parts) {
    const size = asked[part];
    const share = typeof size === 'object' ? size.share : 0;
    if (!(share >= 0 && share <= 1)) throw tooSmall(`the split of ${name} has the share ${share}, which is not 0 to 1`);
    all += share;
  }
  if (all <= 1 + slack) return;
  throw tooSmall(
    `the shares of the split (${listOf(parts, asked)}) are more than all of ${name}`,
    'shares of parts that are drawn from the same samples are 100% at most',
  );
}

const countOf = (shared: number | undefined, size: SplitSize): number =>
  shared ?? (typeof size === 'number' ? size : 0);

/** How many samples shares come to; parts of a given number have no entry. */
function sharedCounts(
  pool: number,
  sizes: Readonly<Record<SplitName, SplitSize | undefined>>,
  name: string,
): Partial<Record<SplitName, number>> {
  const counts: Partial<Record<SplitName, number>> = {};
  let end = 0;
  for (const part of splitNames) {
    const size = sizes[part];
    if (typeof size !== 'object') continue;
    const { share } = size;
    const begin = Math.round(pool * end + slack);
    end += share;
    counts[part] = Math.min(Math.round(pool * end + slack), pool) - begin;
    if (counts[part] === 0 && share > 0) {
      throw tooSmall(`${part} = ${sizeText(size)} of the ${pool} samples of ${name} is none`, 'ask for a larger share');
    }
  }
  return counts;
}

export const sizeText = (size: SplitSize): string =>
  typeof size === 'number' ? String(size) : `${Number((size.share * 100).toPrecision(6))}%`;

const listOf = (parts: readonly SplitName[], sizes: AskedSizes): string =>
  parts
    .flatMap((part) => {
      const size = sizes[part];
      return size === undefined || size === 0 ? [] : [`${part} = ${sizeText(size)}`];
    })
    .join(', ');

function tooSmall(message: string, help?: string): RuntimeFault {
  return new RuntimeFault('E0719', 'input', message, help);
}

/** The fault of data that has to be trained on, and leaves nothing for it: E0719. */
export function noTraining(name: string, { val, test }: SplitCounts): RuntimeFault {
  const list = listOf(['val', 'test'], { train: 0, val, test });
  return tooSmall(
    `${name} leaves no samples for training${list === '' ? '' : ` (${list})`}`,
    'such data is for `cnnc eval` alone; give `train` of its `split` a number or a share of the samples',
  );
}

/** Indices of each part: disjoint, chosen by the seed, in rising order. */
export function splitIndices(
  pool: number,
  counts: SplitCounts,
  seed: number,
): Readonly<Record<SplitName, Uint32Array>> {
  const order = permutation(pool, randomStream(seed, purposes.split, 0, 0));
  const { train, val, test } = counts;
  return {
    train: order.slice(0, train).sort(),
    val: order.slice(train, train + val).sort(),
    test: order.slice(train + val, train + val + test).sort(),
  };
}

/** So many samples of a part that the data holds apart, by the seed; all where nothing is asked. Throws E0719. */
export function takeIndices(size: number, asked: SplitSize | undefined, seed: number, name: string): Uint32Array {
  if (asked === undefined) return Uint32Array.from({ length: size }, (_, index) => index);
  const count = typeof asked === 'number' ? asked : Math.round(size * asked.share + slack);
  if (count === 0 && asked !== 0) throw tooSmall(`${sizeText(asked)} of the ${size} samples of ${name} is none`);
  if (!Number.isSafeInteger(count) || count > size) {
    throw tooSmall(
      `the split asks for ${sizeText(asked)} samples of ${name}, which has ${size}`,
      'ask for fewer samples',
    );
  }
  return permutation(size, randomStream(seed, purposes.split, 0, 1))
    .slice(0, count)
    .sort();
}
