/**
 * How much is tested. `npm test` is quick: it meets every source file and every kernel. `npm run test:full` runs the test
 * files that have more to give: those that ask here, and those named `*.full.test.ts`. CNNC_FULL=20 with it asks for
 * twenty times its random cases, for a soak.
 */
import type { Profile } from '../compiler/kernels/kernel.ts';

const times = Number(process.env['CNNC_FULL'] ?? 0);

/** Whether this is a full run. */
export const isFull = times > 0;

/**
 * The profiles for which whole networks are compiled. A software adapter takes half a minute to compile the kernels of
 * profile gpu for one, so that quick runs leave this to tests of single kernels.
 */
export const networkProfiles: readonly Profile[] = isFull ? ['software', 'gpu'] : ['software'];

/** The cases of a list that this run tries: all in a full run, else `quick` of them, which the seed of the run chooses. */
export function some<T>(all: readonly T[], quick: number): readonly T[] {
  if (isFull || all.length <= quick) return all;
  const seed = Number(process.env['CNNC_SEED'] ?? 1);
  return all.filter(
    (_, index) =>
      Math.floor(((index + 1 + seed) * quick) / all.length) > Math.floor(((index + seed) * quick) / all.length),
  );
}

/** How many random cases to try: `quick` of them, or `full` in a full run. */
export const amount = (quick: number, full: number): number => (isFull ? Math.ceil(full * times) : quick);
