/** PyTorch's ReduceLROnPlateau as a state that moves once an epoch. */
import type { BaseSchedule } from '../recipe.ts';

export type Plateau = Extract<BaseSchedule, { kind: 'plateau' }>;

/** JSON may hold it as it is: a best value that is not known yet is null, not infinite. */
export interface PlateauState {
  readonly lr: number;
  readonly best: number | null;
  readonly badEpochs: number;
  readonly cooldown: number;
}

/** Smaller changes of the rate are not made; PyTorch's `eps`. */
const leastChange = 1e-8;

export const initialPlateau = (lr: number): PlateauState => ({ lr, best: null, badEpochs: 0, cooldown: 0 });

/** The state after an epoch whose monitored metric is `metric`. A NaN counts as an epoch without progress. */
export function observePlateau(plateau: Plateau, state: PlateauState, metric: number): PlateauState {
  const better = isBetter(plateau, metric, state.best);
  const resting = state.cooldown > 0;
  const badEpochs = better || resting ? 0 : state.badEpochs + 1;
  const next = { ...state, best: better ? metric : state.best, badEpochs, cooldown: Math.max(0, state.cooldown - 1) };
  if (badEpochs <= plateau.patience) return next;
  const lower = Math.max(state.lr * plateau.factor, plateau.minLr);
  const lr = state.lr - lower > leastChange ? lower : state.lr;
  return { ...next, lr, badEpochs: 0, cooldown: plateau.cooldown };
}

/** `rel`: better by a share of the best value; `abs`: by an amount. */
function isBetter({ mode, threshold, thresholdMode }: Plateau, metric: number, best: number | null): boolean {
  if (best === null) return !Number.isNaN(metric);
  const sign = mode === 'max' ? 1 : -1;
  const margin = sign * threshold;
  const wanted = thresholdMode === 'rel' ? best * (1 + margin) : best + margin;
  return mode === 'max' ? metric > wanted : metric < wanted;
}
