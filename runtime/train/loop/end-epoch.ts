/** The end of an epoch: evaluation, schedule and early stopping, the best weights, the checkpoint. */
import { improves, observeEarlyStop, type EarlyStopVerdict } from './early-stop.ts';
import { evaluateSplit, type MeasuredSplit } from './evaluate-split.ts';
import type { Measured } from './metrics.ts';
import { measuredMetrics } from './monitors.ts';
import { observePlateau, type PlateauState } from './plateau.ts';
import { recordOf } from './report-interval.ts';
import { rollBack } from './rollback.ts';
import { checkpointDue, storeCheckpoint } from './save-checkpoint.ts';
import { warmupSteps } from './schedules.ts';
import { allFinite, exportedWeights, modelTensors } from '../state-tensors.ts';
import { emit, now, type Ended, type Run } from './training-run.ts';
import { noSums, type TrainingRecord, type TrainingState } from '../training-state.ts';

/** Why the run ends here; null where it goes on, be it with the next epoch or from an earlier checkpoint. */
export async function endEpoch(run: Run): Promise<Ended | null> {
  const { session, vectors, store, recipe, validation, signal } = run.options;
  const trained = recordOf(run, run.state.epochSums, run.epoch);
  const source = validation && { session, source: validation, target: recipe.target, metrics: measuredMetrics(recipe) };
  const measured = source && (await evaluateSplit({ ...source, signal }));
  if (source && !measured) return 'interrupted';
  const record = withValidation(trained, measured);
  const { state, best, restorable } = afterEpoch(run, record);
  const due = checkpointDue(run);
  const tensors = best || restorable || due || state.ended !== null ? await session.readState() : undefined;
  if (tensors && !allFinite(tensors)) {
    await rollBack(run);
    return null;
  }
  run.state = state;
  run.interval = now(run);
  run.epoch = now(run);
  if (tensors && restorable) run.restorable = modelTensors(vectors, tensors);
  if (tensors && best) await store.saveWeights('best', exportedWeights(vectors, tensors));
  await emit(run, { type: 'epoch', record, best, ...shown(measured) });
  if (tensors && (due || state.ended !== null)) await storeCheckpoint(run, tensors, due);
  return state.ended;
}

const shown = (measured: MeasuredSplit | undefined) => ({
  confusion: measured?.confusion,
  mistakes: measured?.mistakes ?? [],
});

function withValidation(record: TrainingRecord, measured: Measured | undefined): TrainingRecord {
  const ofValidation = Object.entries(measured?.values ?? {}).map(([name, value]) => [`val.${name}`, value] as const);
  return { ...record, values: { ...record.values, ...Object.fromEntries(ofValidation) } };
}

interface AfterEpoch {
  readonly state: TrainingState;
  /** The best weights so far, to be kept as a file. */
  readonly best: boolean;
  /** Those that early stopping would bring back. */
  readonly restorable: boolean;
}

function afterEpoch(run: Run, record: TrainingRecord): AfterEpoch {
  const { recipe } = run.options;
  const { state } = run;
  const { monitor, mode } = recipe.checkpoint.best;
  const value = record.values[monitor] ?? NaN;
  const best = improves({ mode, minDelta: 0 }, value, state.best?.value ?? null);
  const verdict = judge(run, record);
  const last = state.epoch + 1 >= recipe.epochs;
  return {
    state: {
      ...state,
      epoch: state.epoch + 1,
      batch: 0,
      epochSums: noSums,
      plateau: nextPlateau(run, record),
      earlyStop: verdict.state,
      best: best ? { value, epoch: record.epoch } : state.best,
      history: [...state.history, record],
      ended: verdict.stop ? 'early-stop' : last ? 'finished' : null,
    },
    best,
    restorable: verdict.improved && recipe.earlyStop?.restoreBest === true,
  };
}

function judge({ options: { recipe }, state }: Run, record: TrainingRecord): EarlyStopVerdict {
  const { earlyStop } = recipe;
  if (!earlyStop) return { state: state.earlyStop, improved: false, stop: false };
  return observeEarlyStop(earlyStop, state.earlyStop, state.epoch, record.values[earlyStop.monitor] ?? NaN);
}

/** A plateau schedule does not look at epochs that end inside of the warm-up. */
function nextPlateau({ options: { recipe, train }, state }: Run, record: TrainingRecord): PlateauState | null {
  const { base } = recipe.schedule;
  const warm = state.step >= warmupSteps({ ...recipe, stepsPerEpoch: train.stepsPerEpoch });
  if (base.kind !== 'plateau' || !state.plateau || !warm) return state.plateau;
  return observePlateau(base, state.plateau, record.values[base.monitor] ?? NaN);
}
