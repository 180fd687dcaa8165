/** Reads the totals that the steps of an interval left on the device, and reports them. */
import { allFinite, totalVectors, zerosOf } from '../state-tensors.ts';
import { addSums, type Sums, type TrainingRecord } from '../training-state.ts';
import { elapsedSeconds, emit, now, ratesOf, speedSince, type Moment, type Run } from './training-run.ts';

/**
 * Whether an interval ends with a batch of its epoch, counted from one. The intervals of an epoch are of one length, but for
 * one step, so that their means can be compared, and of at most `most` steps.
 */
export function endsInterval(batch: number, stepsPerEpoch: number, most: number): boolean {
  const intervals = Math.ceil(stepsPerEpoch / most);
  const doneBy = (count: number): number => Math.floor((count * intervals) / stepsPerEpoch);
  return doneBy(batch) > doneBy(batch - 1);
}

/**
 * Totals are sums of (loss, correct, gradient norm, 1), with a teacher also of the loss of the labels, over the steps
 * since they were zeroed. False where one is not finite; nothing is reported then.
 */
export async function reportInterval(run: Run): Promise<boolean> {
  const { session, vectors } = run.options;
  const totals = totalVectors(vectors);
  const tensors = await session.readState(totals.map(({ name }) => name));
  if (!allFinite(tensors)) return false;
  session.writeState(zerosOf(totals));
  const [loss = 0, correct = 0, gradNorm = 0, steps = 0, labelLoss] = [...tensors.values()][0]?.data ?? [];
  const ofTeacher = labelLoss === undefined ? {} : { labelLoss };
  const sums: Sums = { loss, correct, gradNorm, steps, labels: run.state.intervalLabels, ...ofTeacher };
  run.state = { ...run.state, intervalLabels: 0, epochSums: addSums(run.state.epochSums, sums) };
  await emit(run, { type: 'step', record: recordOf(run, sums, run.interval) });
  run.interval = now(run);
  return true;
}

/** The figures of the steps behind `sums`, which began at `since`. */
export function recordOf(run: Run, sums: Sums, since: Moment): TrainingRecord {
  const { lr, momentum } = ratesOf(run, Math.max(0, run.state.step - 1));
  return {
    epoch: run.state.epoch + 1,
    step: run.state.step,
    values: {
      'train.loss': sums.loss / sums.steps,
      ...(sums.labelLoss === undefined ? {} : { 'train.label_loss': sums.labelLoss / sums.steps }),
      'train.accuracy': sums.correct / sums.labels,
    },
    lr,
    ...(momentum === undefined ? {} : { momentum }),
    gradNorm: sums.gradNorm / sums.steps,
    imagesPerSecond: speedSince(run, since),
    seconds: elapsedSeconds(run),
  };
}
