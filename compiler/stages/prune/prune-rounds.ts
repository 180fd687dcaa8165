/** When a gradual pruning removes and trains: removals at their times, and trainings of whole epochs between them. */
import type { Time } from '../../../runtime/train/recipe.ts';
import { removedShare, type PruneSchedule } from './prune-settings.ts';

/** A training of some epochs, each of at most so many batches. */
export interface TrainingLength {
  readonly epochs: number;
  readonly limitBatches: number | undefined;
}

/** Training, if any, and then a removal. */
export interface Round {
  readonly training: TrainingLength | undefined;
  /** How much of what goes in the end is gone after this removal; 1 after the last. */
  readonly part: number;
}

export interface Rounds {
  readonly rounds: readonly Round[];
  /** What is left of the training after the last removal; undefined where nothing is. */
  readonly rest: TrainingLength | undefined;
}

/**
 * `epochs` is the whole length of the training, `stepsPerEpoch` its batches. A length that is no whole number of epochs
 * is divided into epochs of fewer batches.
 */
export function roundsOf(schedule: PruneSchedule, epochs: number, stepsPerEpoch: number): Rounds {
  if (schedule.kind === 'once') return { rounds: [{ training: undefined, part: 1 }], rest: whole(epochs) };
  const { kind } = schedule;
  const stepOf = ({ value, unit }: Time): number => Math.round(unit === 'steps' ? value : value * stepsPerEpoch);
  const [begin, end] = [stepOf(schedule.begin), Math.max(stepOf(schedule.begin), stepOf(schedule.end))];
  const every = Math.max(1, stepOf(schedule.every));
  const times: number[] = [];
  for (let time = begin; time < end; time += every) times.push(time);
  times.push(end);
  // The first removal is at `begin` already, so that n removals divide the way into n parts.
  const rounds = times.map((time, index) => ({
    training: lengthOf(time - (times[index - 1] ?? 0), stepsPerEpoch),
    part: removedShare(kind, (index + 1) / times.length),
  }));
  return { rounds, rest: lengthOf(epochs * stepsPerEpoch - end, stepsPerEpoch) };
}

const whole = (epochs: number): TrainingLength => ({ epochs, limitBatches: undefined });

function lengthOf(steps: number, stepsPerEpoch: number): TrainingLength | undefined {
  if (steps <= 0) return undefined;
  if (steps % stepsPerEpoch === 0) return whole(steps / stepsPerEpoch);
  const epochs = Math.ceil(steps / stepsPerEpoch);
  return { epochs, limitBatches: Math.max(1, Math.round(steps / epochs)) };
}
