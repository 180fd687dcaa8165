/** Which of the candidates a test compiles, where compiling each would take too long. */
import type { Profile } from '../../compiler/kernels/kernel.ts';
import type { Selection } from '../../compiler/kernels/select.ts';
import { some } from '../amount.ts';

/** Shapes that a quick run tries a kernel on: a software adapter takes seconds to compile one of profile gpu. */
const most: Readonly<Record<Profile, number>> = { software: 3, gpu: 1 };

/** Of the cases of one op, those that this run tries: all in a full run. */
export function rationed<T extends { readonly choice: Selection }>(
  cases: readonly T[],
  profile: Profile,
): readonly T[] {
  const kernels = [...new Set(cases.map(({ choice }) => choice.kernel))];
  return kernels.flatMap((kernel) => {
    return some(
      cases.filter(({ choice }) => choice.kernel === kernel),
      most[profile],
    );
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
