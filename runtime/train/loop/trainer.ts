/** The training loop: epochs of steps, metrics, evaluation, schedules, checkpoints, and how a run ends. */
import { checkContinues, type Checkpoint } from '../checkpoint.ts';
import { endEpoch } from './end-epoch.ts';
import { initialEarlyStop } from './early-stop.ts';
import { checkMonitors } from './monitors.ts';
import { initialPlateau } from './plateau.ts';
import type { Recipe } from '../recipe.ts';
import { endsInterval, reportInterval } from './report-interval.ts';
import { rollBack } from './rollback.ts';
import { checkpointDue, saveCheckpoint } from './save-checkpoint.ts';
import { exportedWeights, shapesOf } from '../state-tensors.ts';
import { countLabels, scalarInputs } from '../step-inputs.ts';
import { noSums, type TrainingState } from '../training-state.ts';
import { checkedStep } from '../trace-nan.ts';
import {
  emit,
  ratesOf,
  type Batch,
  type Ended,
  type Run,
  type TrainOptions,
  type TrainResult,
} from './training-run.ts';

/** Steps that may be on their way to the device: enough to keep it busy while the next batch is made. */
const mostInFlight = 3;

/**
 * Trains until the epochs are over, early stopping ends it or the signal does. A run that goes on from a checkpoint
 * computes the same as one that never stopped. Throws E0909 (numbers not finite; with `trace` E0911, a NotFiniteFault), E0910 (a monitored metric is not
 * measured), E0717 (the checkpoint is of another run), and what session, batches and store throw.
 */
export async function train(options: TrainOptions): Promise<TrainResult> {
  checkMonitors(options.recipe, options.validation !== undefined);
  const run = await begin(options);
  await emit(run, { type: 'start', state: run.state, stepsPerEpoch: options.train.stepsPerEpoch });
  try {
    let ended: Ended | null = run.state.ended;
    while (ended === null) ended = await advance(run);
    if (ended === 'interrupted') await saveCheckpoint(run, false);
    return await finish(run, ended);
  } catch (error) {
    await salvage(run).catch(() => undefined);
    throw error;
  }
}

async function begin(options: TrainOptions): Promise<Run> {
  const { recipe, model, session, vectors, resumeFrom, clock } = options;
  if (resumeFrom) {
    checkContinues(resumeFrom, { recipe, model, shapes: shapesOf(vectors) });
    session.writeState(resumeFrom.tensors);
  }
  const state = resumeFrom ? reopened(resumeFrom.state, recipe) : initialState(recipe);
  const tensors = resumeFrom?.tensors ?? (await session.readState());
  const checkpoint: Checkpoint = { recipe, model, state, tensors, restorable: resumeFrom?.restorable };
  return {
    options,
    metricsEvery: options.metricsEvery ?? 50,
    state,
    checkpoint,
    restorable: checkpoint.restorable,
    startedAt: clock() - state.seconds * 1000,
    interval: { step: state.step, time: clock() },
    epoch: { step: state.step, time: clock() },
    inFlight: [],
  };
}

/** A finished run goes on where the recipe now asks for more epochs. */
function reopened(state: TrainingState, { epochs }: Recipe): TrainingState {
  if (state.ended === 'early-stop') return state;
  return { ...state, ended: state.epoch < epochs ? null : 'finished' };
}

function initialState(recipe: Recipe): TrainingState {
  return {
    step: 0,
    epoch: 0,
    batch: 0,
    intervalLabels: 0,
    epochSums: noSums,
    plateau: recipe.schedule.base.kind === 'plateau' ? initialPlateau(recipe.lr) : null,
    earlyStop: initialEarlyStop,
    best: null,
    rollbacks: { count: 0, lrScale: 1 },
    seconds: 0,
    history: [],
    ended: recipe.epochs > 0 ? null : 'finished',
  };
}

/** The rest of an epoch and its evaluation, or until a rollback. */
async function advance(run: Run): Promise<Ended | null> {
  const { train: source, signal } = run.options;
  const { stepsPerEpoch } = source;
  for await (const batch of source.epoch(run.state.epoch, run.state.batch)) {
    if (signal?.aborted) return 'interrupted';
    await submit(run, batch);
    const last = run.state.batch === stepsPerEpoch;
    const finite = !endsInterval(run.state.batch, stepsPerEpoch, run.metricsEvery) || (await reportInterval(run));
    // The checkpoint at the end of an epoch comes after its evaluation.
    if (!finite || (!last && checkpointDue(run) && !(await saveCheckpoint(run, true)))) {
      await rollBack(run);
      return null;
    }
    if (last) break;
  }
  if (signal?.aborted) return 'interrupted';
  if (run.state.batch !== stepsPerEpoch) {
    throw new Error(`an epoch has ${stepsPerEpoch} batches, but only ${run.state.batch} came`);
  }
  return endEpoch(run);
}

async function submit(run: Run, batch: Batch): Promise<void> {
  const { recipe, session, trace } = run.options;
  const { step } = run.state;
  const inputs = { ...batch.inputs, ...scalarInputs(recipe, step, ratesOf(run, step)) };
  if (trace) await checkedStep(run, trace, inputs);
  else await session.submitStep(inputs, false);
  const intervalLabels = run.state.intervalLabels + countLabels(recipe, batch);
  run.state = { ...run.state, step: step + 1, batch: run.state.batch + 1, intervalLabels };
  await limitInFlight(run);
  await emit(run, { type: 'progress', epoch: run.state.epoch + 1, batch: run.state.batch, step: run.state.step });
}

async function limitInFlight({ options: { session }, inFlight }: Run): Promise<void> {
  const done = session.idle();
  // It is awaited a few steps later; until then nobody listens to a fault.
  done.catch(() => undefined);
  inFlight.push(done);
  if (inFlight.length >= mostInFlight) await inFlight.shift();
}

/** Brings the best weights back where early stopping asks for it, and hands over what the model then is. */
async function finish(run: Run, ended: Ended): Promise<TrainResult> {
  const { session, vectors, store } = run.options;
  const restoredEpoch = await restoreBest(run);
  const weights = exportedWeights(vectors, await session.readState());
  if (ended !== 'interrupted') await store.saveWeights('final', weights);
  await emit(run, { type: 'end', ended, restoredEpoch });
  return { ended, state: run.state, weights, restoredEpoch };
}

/** The epoch that early stopping brought back, counted from one. */
async function restoreBest({ options, restorable, state }: Run): Promise<number | undefined> {
  const { session, recipe } = options;
  await session.idle();
  if (recipe.earlyStop?.restoreBest !== true || !restorable) return undefined;
  session.writeState(restorable);
  return state.earlyStop.bestEpoch === null ? undefined : state.earlyStop.bestEpoch + 1;
}

/** Whatever ends a run, the best weights come back; what went wrong is told all the same. */
async function salvage(run: Run): Promise<void> {
  const { session, vectors, store } = run.options;
  if ((await restoreBest(run)) === undefined) return;
  await store.saveWeights('final', exportedWeights(vectors, await session.readState()));
}
