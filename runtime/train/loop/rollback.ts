/** What happens when numbers of a run are no longer finite. */
import { RuntimeFault } from '../../errors.ts';
import { emit, now, type Run } from './training-run.ts';

/**
 * Returns the run to its last good checkpoint with a smaller learning rate. Throws E0909 where `on_nan` is to stop, and
 * where it has been rolled back often enough.
 */
export async function rollBack(run: Run): Promise<void> {
  const { recipe, session } = run.options;
  const { state, checkpoint } = run;
  await emit(run, { type: 'not-finite', after: run.interval.step, step: state.step });
  if (recipe.onNan.kind === 'stop' || state.rollbacks.count >= recipe.onNan.max) throw notFinite(run);
  await session.idle();
  session.writeState(checkpoint.tensors);
  const { lrScale } = recipe.onNan;
  const rollbacks = { count: state.rollbacks.count + 1, lrScale: state.rollbacks.lrScale * lrScale };
  // The best weights lie on the disk already, whatever comes after them.
  run.state = { ...checkpoint.state, rollbacks, best: state.best };
  run.restorable = checkpoint.restorable;
  run.interval = now(run);
  run.epoch = now(run);
  await emit(run, { type: 'rollback', step: run.state.step, epoch: run.state.epoch, ...rollbacks });
}

function notFinite({ options: { recipe }, state, interval }: Run): RuntimeFault {
  const where = `in steps ${Math.min(interval.step + 1, state.step)} to ${state.step} of epoch ${state.epoch + 1}`;
  const { count } = state.rollbacks;
  const often = count === 0 ? '' : `, after ${count} ${count === 1 ? 'rollback' : 'rollbacks'}`;
  const help =
    recipe.onNan.kind === 'stop'
      ? 'lower the learning rate, clip gradients, or set on_nan = rollback(lr_scale=0.5, max=2)'
      : 'lower the learning rate or clip gradients';
  return new RuntimeFault('E0909', 'runtime', `loss, gradient or weights are not finite ${where}${often}`, help);
}
