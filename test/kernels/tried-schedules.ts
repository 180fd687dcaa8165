/** Which of the candidates a test compiles, where compiling each would take too long. */
import type { Profile } from '../../compiler/kernels/kernel.ts';
import type { Selection } from '../../compiler/kernels/select.ts';
import { isFull } from '../amount.ts';
import { runSeed } from '../train/draw.ts';

/**
 * Of the cases of one op, those that this run tries: all in a full run. A software adapter takes seconds to compile a
 * kernel of profile gpu for a shape, so that a quick run tries each on three shapes, which the seed chooses.
 */
export function rationed<T extends { readonly choice: Selection }>(
  cases: readonly T[],
  profile: Profile,
): readonly T[] {
  if (isFull || profile === 'software') return cases;
  const kernels = [...new Set(cases.map(({ choice }) => choice.kernel))];
  return kernels.flatMap((kernel) => {
    const own = cases.filter(({ choice }) => choice.kernel === kernel);
    const gap = Math.ceil(own.length / 3);
    return own.filter((_, index) => (index + runSeed) % gap === 0);
  });
}

/** The choice of untuned builds and the first of each other kernel; with a turn now and then another schedule. */
export function triedSchedules(choices: readonly Selection[], turn?: number): Selection[] {
  const kernels = choices.filter(
    ({ kernel }, index) => choices.findIndex((other) => other.kernel === kernel) === index,
  );
  if (turn === undefined || turn % 3 !== 0) return kernels;
  const others = choices.filter((choice) => !kernels.includes(choice));
  return [...kernels, ...others.slice(Math.floor(turn / 3) % Math.max(1, others.length)).slice(0, 1)];
}
