/** When a run saves its state, and that only a good one is saved. */
import type { Checkpoint, Tensors } from '../checkpoint.ts';
import { allFinite } from '../state-tensors.ts';
import { elapsedSeconds, emit, type Run } from './training-run.ts';

/** Whether `checkpoint.every` asks for a checkpoint after the steps done so far. */
export function checkpointDue({ options: { recipe, train }, state }: Run): boolean {
  const { value, unit } = recipe.checkpoint.every;
  const steps = Math.max(1, Math.round(value * (unit === 'epochs' ? train.stepsPerEpoch : 1)));
  return state.step % steps === 0;
}

/** False, and nothing is saved, where a number of the state is not finite. */
export async function saveCheckpoint(run: Run, periodic: boolean): Promise<boolean> {
  const tensors = await run.options.session.readState();
  if (!allFinite(tensors)) return false;
  await storeCheckpoint(run, tensors, periodic);
  return true;
}

/** The same of tensors that were read and checked already. */
export async function storeCheckpoint(run: Run, tensors: Tensors, periodic: boolean): Promise<void> {
  const { recipe, model, store } = run.options;
  run.state = { ...run.state, seconds: elapsedSeconds(run) };
  const checkpoint: Checkpoint = { recipe, model, state: run.state, tensors, restorable: run.restorable };
  await store.saveCheckpoint(checkpoint, periodic);
  run.checkpoint = checkpoint;
  await emit(run, { type: 'checkpoint', step: run.state.step });
}
