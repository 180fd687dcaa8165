/** Which of the candidates a test compiles, where compiling each would take too long. */
import type { Selection } from '../../compiler/kernels/select.ts';

/** The choice of untuned builds and the first of each other kernel; with a turn now and then another schedule. */
export function triedSchedules(choices: readonly Selection[], turn?: number): Selection[] {
  const kernels = choices.filter(
    ({ kernel }, index) => choices.findIndex((other) => other.kernel === kernel) === index,
  );
  if (turn === undefined || turn % 3 !== 0) return kernels;
  const others = choices.filter((choice) => !kernels.includes(choice));
  return [...kernels, ...others.slice(Math.floor(turn / 3) % Math.max(1, others.length)).slice(0, 1)];
}
