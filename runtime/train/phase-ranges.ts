/** Where the phases of a training step lie in its plan. */
import type { Phase, Plan } from '../artifact.ts';

export interface PhaseRange {
  readonly phase: Phase;
  /** Steps `from` up to, not including, `to`. */
  readonly from: number;
  readonly to: number;
}

type Steps = Plan['steps'];

/** The place with the fewest steps on the wrong side of it: those that come `late` before, and the others behind. */
function bestCut(steps: Steps, late: readonly Phase[]): number {
  const isLate = ({ phase = 'update' }: Steps[number]): boolean => late.includes(phase);
  let misplaced = steps.filter((step) => !isLate(step)).length;
  let [cut, fewest] = [0, misplaced];
  for (const [at, step] of steps.entries()) {
    misplaced += isLate(step) ? 1 : -1;
    if (misplaced < fewest) [cut, fewest] = [at + 1, misplaced];
  }
  return cut;
}

/**
 * Phases follow each other, but a plan may run a small step of one within another, where it frees memory or while there
 * is still room: weights packed for the backward phase, running statistics. Such a step counts where it runs. No phase
 * is empty.
 */
export function phaseRanges({ steps }: Plan): PhaseRange[] {
  const forward = bestCut(steps, ['backward', 'update']);
  const backward = Math.max(forward, bestCut(steps, ['update']));
  const ranges: readonly PhaseRange[] = [
    { phase: 'forward', from: 0, to: forward },
    { phase: 'backward', from: forward, to: backward },
    { phase: 'update', from: backward, to: steps.length },
  ];
  return ranges.filter(({ from, to }) => to > from);
}
