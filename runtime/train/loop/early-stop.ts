/** Keras's EarlyStopping as a state that moves once an epoch. */
import type { Direction, EarlyStopSettings } from '../recipe.ts';

/** JSON may hold it as it is. Epochs count from zero. */
export interface EarlyStopState {
  /** Epochs since the last progress. */
  readonly wait: number;
  readonly best: number | null;
  readonly bestEpoch: number | null;
  /** The epoch after which training ended, where it was this that ended it. */
  readonly stoppedEpoch: number | null;
}

export interface EarlyStopVerdict {
  readonly state: EarlyStopState;
  /** The weights of this epoch are the ones to restore at the end. */
  readonly improved: boolean;
  readonly stop: boolean;
}

export const initialEarlyStop: EarlyStopState = { wait: 0, best: null, bestEpoch: null, stoppedEpoch: null };

/**
 * The state after epoch `epoch` whose monitored metric is `current`. Improved means `op(current - min_delta, best)`
 * with `op` and the sign of `min_delta` by the mode; the first monitored epoch counts as best; patience starts anew
 * only where the baseline is beaten, too; the very first epoch never stops a run. Unlike Keras, a NaN is never best.
 */
export function observeEarlyStop(
  settings: EarlyStopSettings,
  state: EarlyStopState,
  epoch: number,
  current: number,
): EarlyStopVerdict {
  if (epoch < settings.startFromEpoch) return { state, improved: false, stop: false };
  const wait = state.wait + 1;
  if (!improves(settings, current, state.best)) {
    const stop = wait >= settings.patience && epoch > 0;
    return { state: { ...state, wait, stoppedEpoch: stop ? epoch : null }, improved: false, stop };
  }
  const beaten = settings.baseline === undefined || improves(settings, current, settings.baseline);
  const next = { wait: beaten ? 0 : wait, best: current, bestEpoch: epoch, stoppedEpoch: null };
  return { state: next, improved: true, stop: false };
}

/** With `minDelta` 0, whether `current` is better than `best`; NaN is better than nothing. */
export function improves(
  { mode, minDelta }: { readonly mode: Direction; readonly minDelta: number },
  current: number,
  best: number | null,
): boolean {
  if (Number.isNaN(current)) return false;
  if (best === null) return true;
  const delta = Math.abs(minDelta);
  return mode === 'max' ? current - delta > best : current + delta < best;
}
