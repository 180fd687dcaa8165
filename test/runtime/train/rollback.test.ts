/** What a run does when its numbers are no longer finite. */
import { describe, expect, it } from 'vitest';
import { ratesAt } from '../../../runtime/train/loop/schedules.ts';
import { train } from '../../../runtime/train/loop/trainer.ts';
import { faultOfAsync } from '../fault.ts';
import { bitsOf, lastCheckpoint, perEpoch, tinyRecipe, tinySession, tinyTraining } from './tiny-training.ts';

describe('numbers that are not finite', () => {
  const onNan = { kind: 'rollback', lrScale: 0.5, max: 2 } as const;
  /** Too large a rate breaks the weights at step 9. */
  const delicate = (limit: number) =>
    tinySession((inputs) => inputs['rng']!.data[0] === 9 && inputs['lr']!.data[0]! > limit);

  it('stop a run', async () => {
    const { options, events, kept } = tinyTraining({}, delicate(0));
    expect(await faultOfAsync(() => train(options))).toBe(
      'E0909: loss, gradient or weights are not finite in steps 8 to 11 of epoch 2',
    );
    expect(events.at(-1)).toEqual({ type: 'not-finite', after: 7, step: 11 });
    expect(kept.checkpoints.map(({ step }) => step)).toEqual([7]);
  });

  it('return it to its last checkpoint with a smaller rate', async () => {
    const tiny = tinyTraining({ recipe: tinyRecipe({ onNan }) }, delicate(0.06));
    const { ended, state } = await train(tiny.options);
    expect([ended, state.rollbacks]).toEqual(['finished', { count: 2, lrScale: 0.25 }]);
    const back = tiny.events.filter(({ type }) => type === 'rollback');
    expect(back).toEqual([
      { type: 'rollback', step: 7, epoch: 1, count: 1, lrScale: 0.5 },
      { type: 'rollback', step: 7, epoch: 1, count: 2, lrScale: 0.25 },
    ]);
    expect(state.history.map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4]);
    const rates = ratesAt({ ...tiny.options.recipe, stepsPerEpoch: perEpoch }, 27);
    expect(state.history.at(-1)?.lr).toBe(rates.lr * 0.25);
  });

  it('equal a run with that rate from the checkpoint on', async () => {
    const rolled = tinyTraining({ recipe: tinyRecipe({ onNan }) }, delicate(0.15));
    await train(rolled.options);
    const first = tinyTraining({ recipe: tinyRecipe({ onNan }) });
    await train(first.options);
    const from = first.kept.checkpoints.find(({ step }) => step === 7)!;
    const kept = { ...first.kept, checkpoints: [from] };
    const checkpoint = await lastCheckpoint(kept);
    const resumeFrom = { ...checkpoint, state: { ...checkpoint.state, rollbacks: { count: 1, lrScale: 0.5 } } };
    const second = tinyTraining({ recipe: tinyRecipe({ onNan }), resumeFrom });
    await train(second.options);
    expect(await bitsOf(rolled)).toEqual(await bitsOf(second));
  });

  it('go back to the beginning where there is no checkpoint yet', async () => {
    const early = tinySession((inputs) => inputs['rng']!.data[0] === 2 && inputs['lr']!.data[0]! > 0.1);
    const { options, events } = tinyTraining({ recipe: tinyRecipe({ onNan }) }, early);
    await train(options);
    expect(events.find(({ type }) => type === 'rollback')).toMatchObject({ step: 0, count: 1 });
  });

  it('stop it when that has been tried often enough', async () => {
    const { options } = tinyTraining({ recipe: tinyRecipe({ onNan }) }, delicate(0));
    expect(await faultOfAsync(() => train(options))).toMatch(/^E0909: .* epoch 2, after 2 rollbacks$/);
  });

  it('are never saved, be it that only the last step made them', async () => {
    // The totals of step 27 are taken before its update, so that only the weights tell.
    const late = tinySession((inputs) => inputs['rng']!.data[0] === 27);
    const { options, kept } = tinyTraining({}, late);
    expect(await faultOfAsync(() => train(options))).toMatch(/^E0909/);
    expect(kept.checkpoints.map(({ step }) => step)).toEqual([7, 14, 21]);
    expect(kept.weights.filter(({ kind }) => kind === 'final')).toEqual([]);
  });
});
