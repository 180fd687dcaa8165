/** Early stopping against an independent loop that follows the documentation of Keras's callback line by line. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { initialEarlyStop, observeEarlyStop } from '../../../runtime/train/loop/early-stop.ts';
import { directionOf } from '../../../runtime/train/loop/metric-names.ts';
import type { EarlyStopSettings } from '../../../runtime/train/recipe.ts';

const defaults: EarlyStopSettings = {
  monitor: 'val.loss',
  mode: 'min',
  patience: 0,
  minDelta: 0,
  baseline: undefined,
  startFromEpoch: 0,
  restoreBest: true,
};

interface Outcome {
  /** Epochs that ran. */
  readonly ran: number;
  readonly best: number | undefined;
  /** Epoch whose weights come back. */
  readonly restored: number | undefined;
}

/** The callback's own order of events, with mutable members as Keras has them. */
function keras(settings: EarlyStopSettings, metrics: readonly number[]): Outcome {
  const op = settings.mode === 'max' ? (a: number, b: number) => a > b : (a: number, b: number) => a < b;
  const minDelta = Math.abs(settings.minDelta) * (settings.mode === 'max' ? 1 : -1);
  const isImprovement = (value: number, reference: number | undefined): boolean =>
    reference === undefined || op(value - minDelta, reference);
  let wait = 0;
  let best: number | undefined;
  let bestWeights: number | undefined;
  let ran = 0;
  for (const [epoch, current] of metrics.entries()) {
    ran++;
    if (epoch < settings.startFromEpoch) continue;
    bestWeights ??= epoch;
    wait += 1;
    if (isImprovement(current, best)) {
      best = current;
      bestWeights = epoch;
      if (settings.baseline === undefined || isImprovement(current, settings.baseline)) wait = 0;
      continue;
    }
    if (wait >= settings.patience && epoch > 0) break;
  }
  return { ran, best, restored: bestWeights };
}

function ours(settings: EarlyStopSettings, metrics: readonly number[]): Outcome {
  let state = initialEarlyStop;
  let restored: number | undefined;
  let ran = 0;
  for (const [epoch, current] of metrics.entries()) {
    ran++;
    const verdict = observeEarlyStop(settings, state, epoch, current);
    // What a checkpoint keeps must be enough to go on.
    state = JSON.parse(JSON.stringify(verdict.state));
    if (verdict.improved) restored = epoch;
    if (verdict.stop) break;
  }
  expect(state.bestEpoch ?? undefined).toBe(restored);
  return { ran, best: state.best ?? undefined, restored };
}

describe('by hand', () => {
  const run = (more: Partial<EarlyStopSettings>, ...metrics: number[]): Outcome =>
    ours({ ...defaults, ...more }, metrics);

  it('stops after `patience` epochs without progress', () => {
    expect(run({ patience: 2 }, 5, 4, 4.5, 4.2, 1)).toEqual({ ran: 4, best: 4, restored: 1 });
  });

  it('takes patience 0 for 1', () => {
    expect(run({ patience: 0 }, 5, 4, 4, 1)).toEqual({ ran: 3, best: 4, restored: 1 });
  });

  it('asks for more than min_delta, in either direction and whatever its sign', () => {
    expect(run({ minDelta: 0.5, patience: 2 }, 5, 4.5, 4.4, 4)).toMatchObject({ ran: 4, best: 4.4, restored: 2 });
    expect(run({ minDelta: -1, patience: 1, mode: 'max' }, 5, 6, 9)).toMatchObject({ ran: 2, best: 5 });
  });

  it('counts no epoch before start_from_epoch', () => {
    expect(run({ startFromEpoch: 2, patience: 1 }, 1, 1, 3, 2, 2)).toEqual({ ran: 5, best: 2, restored: 3 });
  });

  it('does not start patience anew below the baseline', () => {
    expect(run({ baseline: 2, patience: 3 }, 5, 4, 3, 3.5, 1)).toEqual({ ran: 4, best: 3, restored: 2 });
    expect(run({ baseline: 2, patience: 3 }, 5, 4, 1.5, 3, 3, 3, 1)).toMatchObject({ ran: 6, best: 1.5 });
  });

  it('never lets NaN be best', () => {
    expect(run({ patience: 9 }, NaN, 4, NaN, 5)).toEqual({ ran: 4, best: 4, restored: 1 });
    expect(run({ patience: 2 }, NaN, NaN, 1)).toEqual({ ran: 2, best: undefined, restored: undefined });
  });
});

it('equals the loop of Keras for any settings and any metrics', () => {
  const settings = fc.record({
    monitor: fc.constant('val.loss'),
    mode: fc.constantFrom('min' as const, 'max' as const),
    patience: fc.nat(4),
    minDelta: fc.constantFrom(0, 0.25, 1, -1),
    baseline: fc.option(fc.integer({ min: 0, max: 8 }), { nil: undefined }),
    startFromEpoch: fc.nat(4),
    restoreBest: fc.constant(true),
  });
  const metrics = fc.array(
    fc.integer({ min: 0, max: 32 }).map((value) => value / 4),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(settings, metrics, (each, values) => {
      expect(ours(each, values)).toEqual(keras(each, values));
    }),
    {
      numRuns: 1000,
    },
  );
});

it('knows the direction of a metric, and does not guess', () => {
  expect(['val.loss', 'train.loss', 'loss'].map(directionOf)).toEqual(['min', 'min', 'min']);
  expect(['val.accuracy', 'train.accuracy', 'val.mean_iou', 'dice'].map(directionOf)).toEqual(Array(4).fill('max'));
  expect(['val.speed', 'test.loss', '', 'toString'].map(directionOf)).toEqual(Array(4).fill(undefined));
});
