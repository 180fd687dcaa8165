/** A run that goes on from a checkpoint equals one that never stopped. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import { train } from '../../../runtime/train/loop/trainer.ts';
import type { StepSession, TrainingEvent, TrainResult } from '../../../runtime/train/loop/training-run.ts';
import { faultOfAsync } from '../fault.ts';
import {
  bitsOf,
  lastCheckpoint,
  perEpoch,
  recordsOf,
  timeless,
  tinyRecipe,
  tinySession,
  tinyTraining,
} from './tiny-training.ts';

describe('a run that was stopped', () => {
  const recipe = tinyRecipe({
    checkpoint: { ...tinyRecipe().checkpoint, every: { value: 3, unit: 'steps' } },
    earlyStop: {
      monitor: 'val.accuracy',
      mode: 'max',
      patience: 10,
      minDelta: 0,
      startFromEpoch: 0,
      restoreBest: true,
    },
  });
  const plateau = tinyRecipe({
    schedule: {
      base: {
        kind: 'plateau',
        factor: 0.5,
        patience: 0,
        threshold: 0.5,
        thresholdMode: 'rel',
        cooldown: 0,
        minLr: 0,
        mode: 'min',
        monitor: 'val.loss',
      },
    },
  });

  const whole = async (each: Recipe) => {
    const tiny = tinyTraining({ recipe: each });
    const result = await train(tiny.options);
    return { bits: await bitsOf(tiny), result, events: tiny.events };
  };

  it.each([
    ['with early stopping', recipe],
    ['with a plateau', plateau],
  ])('by a signal, wherever, ends as if it never had been: %s', async (_, each) => {
    const reference = await whole(each);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 4 }), async (stops) => {
        const events: TrainingEvent[] = [];
        let tiny = tinyTraining({ recipe: each });
        let result: TrainResult | undefined;
        for (const stop of [...stops, Infinity]) {
          const abort = new AbortController();
          const start = events.findLast((event) => event.type === 'progress')?.step ?? 0;
          const onEvent = (event: TrainingEvent): void => {
            events.push(event);
            if (event.type === 'progress' && event.step >= start + stop) abort.abort();
            if (event.type === 'start' && stop === 0) abort.abort();
          };
          result = await train({ ...tiny.options, signal: abort.signal, onEvent });
          if (result.ended !== 'interrupted') break;
          // A new process: nothing but the bytes of the checkpoint is left.
          const resumeFrom = await lastCheckpoint(tiny.kept);
          tiny = tinyTraining({ recipe: each, resumeFrom });
        }
        expect(await bitsOf(tiny)).toEqual(reference.bits);
        expect(result?.state.history.map(timeless)).toEqual(reference.result.state.history.map(timeless));
        expect(recordsOf(events, 'step').map(timeless)).toEqual(recordsOf(reference.events, 'step').map(timeless));
        expect(result?.restoredEpoch).toBe(reference.result.restoredEpoch);
      }),
      { numRuns: 40 },
    );
  });

  it('by a kill, goes on from its last checkpoint', async () => {
    const reference = await whole(recipe);
    for (const killed of [4, 7, 11, 20, 27]) {
      const first = tinyTraining({ recipe });
      const onEvent = (event: TrainingEvent): void => {
        if (event.type === 'progress' && event.step === killed) throw new Error('killed');
      };
      await expect(train({ ...first.options, onEvent })).rejects.toThrow('killed');
      const second = tinyTraining({ recipe, resumeFrom: await lastCheckpoint(first.kept) });
      const result = await train(second.options);
      expect(await bitsOf(second)).toEqual(reference.bits);
      expect(result.state.history.map(timeless)).toEqual(reference.result.state.history.map(timeless));
    }
  });

  it('during evaluation evaluates anew', async () => {
    const reference = await whole(recipe);
    const abort = new AbortController();
    const session = tinySession();
    const observed: StepSession = {
      ...session,
      evaluate(inputs) {
        if (session.steps.length === 2 * perEpoch) abort.abort();
        return session.evaluate(inputs);
      },
    };
    const first = tinyTraining({ recipe, signal: abort.signal, session: observed }, session);
    expect(await train(first.options)).toMatchObject({ ended: 'interrupted', state: { epoch: 1, batch: perEpoch } });
    const second = tinyTraining({ recipe, resumeFrom: await lastCheckpoint(first.kept) });
    await train(second.options);
    expect(await bitsOf(second)).toEqual(reference.bits);
  });

  it('at its end takes more epochs, where the schedule does not depend on them', async () => {
    const schedule = { base: { kind: 'exponential', gamma: 0.9, unit: 'epoch' } as const };
    const long = await whole(tinyRecipe({ schedule, epochs: 5 }));
    const first = tinyTraining({ recipe: tinyRecipe({ schedule, epochs: 3 }) });
    await train(first.options);
    const resumeFrom = await lastCheckpoint(first.kept);
    const second = tinyTraining({ recipe: tinyRecipe({ schedule, epochs: 5 }), resumeFrom });
    await train(second.options);
    expect(await bitsOf(second)).toEqual(long.bits);
  });

  it('is refused where what it computes would change', async () => {
    const first = tinyTraining({ recipe: tinyRecipe({ epochs: 1 }) });
    await train(first.options);
    const resumeFrom = await lastCheckpoint(first.kept);
    const resumed = (more: Partial<Recipe>): Promise<string> =>
      faultOfAsync(() => train(tinyTraining({ recipe: tinyRecipe({ epochs: 1, ...more }), resumeFrom }).options));
    const opening = 'E0717: the run cannot go on from its checkpoint';
    expect(await resumed({ lr: 0.05, batch: 6 })).toBe(`${opening}: batch is 6 and was 5; lr is 0.05 and was 0.2`);
    expect(await resumed({ epochs: 2 })).toBe(
      `${opening}: epochs is 2 and was 1, and the schedule of the rate stretches over all of them`,
    );
  });
});
