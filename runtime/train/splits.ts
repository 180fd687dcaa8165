/** Divides samples into parts by a seed. */
import { RuntimeFault } from '../errors.ts';
import { permutation, purposes, randomStream } from './random-stream.ts';

export type SplitName = 'train' | 'val' | 'test';

/** How many samples each part gets. */
export type SplitCounts = Readonly<Record<SplitName, number>>;

/** What a recipe asks for; undefined leaves it to the default. */
export type AskedCounts = Readonly<Partial<Record<SplitName, number | undefined>>>;

/**
 * The sizes of parts that come from one pool of samples. `own` lists the parts that the data holds apart: they are no
 * part of the pool, and sizes asked for them are not looked at here.
 *
 * Where nothing is asked, validation gets a tenth of the pool and the test another tenth, unless the data has its own;
 * training gets the rest. Where something is asked, parts that are not named are empty, but training always gets what
 * is left if it is not named itself. Throws E0719 where the pool is too small.
 */
export function resolveCounts(pool: number, asked: AskedCounts, own: readonly SplitName[], name: string): SplitCounts {
  const mine = (part: SplitName) => !own.includes(part);
  const parts = (['train', 'val', 'test'] as const).filter(mine);
  const silent = parts.every((part) => asked[part] === undefined);
  const tenth = Math.max(1, Math.floor(pool / 10));
  const sizeOf = (part: 'val' | 'test') => (mine(part) ? (asked[part] ?? (silent ? tenth : 0)) : 0);
  const [val, test] = [sizeOf('val'), sizeOf('test')];
  const train = asked.train ?? pool - val - test;
  const wanted = train + val + test;
  const list = (['train', 'val', 'test'] as const)
    .flatMap((part) =>
      ({ train, val, test })[part] > 0 && mine(part) ? [`${part} = ${{ train, val, test }[part]}`] : [],
    )
    .join(', ');
  if (![train, val, test].every((count) => Number.isSafeInteger(count))) {
    throw tooSmall(`a split of ${name} has sizes that are no integers: ${list}`);
  }
  if (train <= 0)
    throw tooSmall(`${name} has ${pool} samples, which leaves none for training (${list || 'train = 0'})`);
  if (wanted > pool) {
    throw tooSmall(`the split (${list}) needs ${wanted} samples, but ${name} has ${pool}`, 'ask for fewer samples');
  }
  return { train, val, test };
}

function tooSmall(message: string, help?: string): RuntimeFault {
  return new RuntimeFault('E0719', 'input', message, help);
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

/** `count` of the samples of a part that the data holds apart, by the seed; all where nothing is asked. */
export function takeIndices(size: number, count: number | undefined, seed: number, name: string): Uint32Array {
  if (count === undefined) return Uint32Array.from({ length: size }, (_, index) => index);
  if (!Number.isSafeInteger(count) || count > size) {
    throw tooSmall(`the split asks for ${count} samples of ${name}, which has ${size}`, 'ask for fewer samples');
  }
  return permutation(size, randomStream(seed, purposes.split, 0, 1))
    .slice(0, count)
    .sort();
}
