/** The training loop on a linear classifier: what it computes, what it tells and keeps, and how it ends. */
import { describe, expect, it } from 'vitest';
import { evaluateSplit } from '../../../runtime/train/loop/evaluate-split.ts';
import { ratesAt } from '../../../runtime/train/loop/schedules.ts';
import { endsInterval } from '../../../runtime/train/loop/report-interval.ts';
import { train } from '../../../runtime/train/loop/trainer.ts';
import type { TrainingRecord } from '../../../runtime/train/training-state.ts';
import { faultOfAsync } from '../fault.ts';
import {
  lastCheckpoint,
  perEpoch,
  recordsOf,
  tinyRecipe,
  tinySession,
  tinySource,
  tinyTraining,
  tinyVectors,
} from './tiny-training.ts';

describe('a run', () => {
  it('learns, and tells what it does in order', async () => {
    const tiny = tinyTraining();
    const result = await train(tiny.options);
    expect(result).toMatchObject({ ended: 'finished', restoredEpoch: undefined });
    const epochs = recordsOf(tiny.events, 'epoch');
    expect(epochs.map(({ epoch, step }) => [epoch, step])).toEqual([1, 2, 3, 4].map((n) => [n, n * perEpoch]));
    expect(epochs.at(-1)?.values['val.loss']).toBeLessThan(0.7 * epochs[0]!.values['val.loss']!);
    expect(Object.keys(epochs[0]!.values)).toEqual(['train.loss', 'train.accuracy', 'val.loss', 'val.accuracy']);
    expect(result.state.history).toEqual(epochs);
    expect(recordsOf(tiny.events, 'step').map(({ step }) => step)).toEqual([4, 7, 11, 14, 18, 21, 25, 28]);
    const types = tiny.events.map(({ type }) => type).filter((type) => type !== 'progress');
    expect(types.slice(0, 5)).toEqual(['start', 'step', 'step', 'epoch', 'checkpoint']);
    expect(types.at(-1)).toBe('end');
  });

  it('feeds every step its rates, corrections and random input', async () => {
    const { options, session } = tinyTraining();
    await train(options);
    expect(session.steps).toHaveLength(4 * perEpoch);
    session.steps.forEach((inputs, step) => {
      const rates = ratesAt({ ...options.recipe, stepsPerEpoch: perEpoch }, step);
      expect(inputs['lr']!.data).toEqual(Float32Array.of(rates.lr));
      expect(inputs['momentum']!.data).toEqual(Float32Array.of(0.9));
      expect(inputs['correction']!.data).toEqual(Float32Array.of(1 - 0.9 ** (step + 1)));
      expect([...inputs['rng']!.data]).toEqual([step, 7, 0, 0]);
    });
  });

  it('splits a long seed into halves that float32 holds', async () => {
    const { options, session } = tinyTraining({ recipe: tinyRecipe({ seed: 0xfedcba98, epochs: 1 }) });
    await train(options);
    expect([...session.steps[3]!['rng']!.data]).toEqual([3, 0xba98, 0xfedc, 0]);
  });

  it('reports means over the steps of an interval and of an epoch', async () => {
    const { options, events } = tinyTraining();
    const every = tinyTraining({ metricsEvery: 1 });
    await train(options);
    await train(every.options);
    const single = recordsOf(every.events, 'step');
    const mean = (from: number, to: number, of: (record: TrainingRecord) => number): number =>
      single.slice(from, to).reduce((sum, record) => sum + of(record), 0) / (to - from);
    const [first] = recordsOf(events, 'step');
    expect(first!.values['train.loss']).toBeCloseTo(
      mean(0, 4, ({ values }) => values['train.loss']!),
      6,
    );
    expect(first!.gradNorm).toBeCloseTo(
      mean(0, 4, ({ gradNorm }) => gradNorm),
      6,
    );
    const second = recordsOf(events, 'epoch')[1]!;
    expect(second.values['train.accuracy']).toBeCloseTo(
      mean(7, 14, ({ values }) => values['train.accuracy']!),
      6,
    );
  });

  it.each([
    [49, 50, [49]],
    [98, 50, [49, 98]],
    [100, 50, [50, 100]],
    [120, 50, [40, 80, 120]],
    [7, 4, [4, 7]],
    [3, 1, [1, 2, 3]],
  ])('%i steps an epoch, looked at after at most %i, make intervals of one length', (steps, most, ends) => {
    const batches = Array.from({ length: steps }, (_, at) => at + 1);
    expect(batches.filter((batch) => endsInterval(batch, steps, most))).toEqual(ends);
  });

  it('keeps few steps on their way', async () => {
    const { options, session } = tinyTraining({ metricsEvery: 1000 });
    await train(options);
    expect(session.mostInFlight).toBeGreaterThan(1);
    expect(session.mostInFlight).toBeLessThanOrEqual(3);
  });

  it('keeps the averaged weights of the best epoch by their own names', async () => {
    const { options, kept, events, session } = tinyTraining();
    await train(options);
    const best = events.flatMap((event) => (event.type === 'epoch' && event.best ? [event.record] : []));
    expect(kept.weights.filter(({ kind }) => kind === 'best')).toHaveLength(best.length);
    const losses = recordsOf(events, 'epoch').map(({ values }) => values['val.loss']!);
    expect(best.at(-1)?.values['val.loss']).toBe(Math.min(...losses));
    const last = kept.weights.at(-1)!;
    expect(last.kind).toBe('final');
    expect([...last.tensors.keys()]).toEqual(['fc.weight', 'fc.bias', 'bn.running_mean']);
    const state = await session.readState();
    expect(last.tensors.get('fc.weight')).toEqual(state.get('ema.fc.weight'));
    expect(last.tensors.get('bn.running_mean')).toEqual(state.get('bn.running_mean'));
  });

  it('saves as often as it is told, and at the end', async () => {
    const every = { value: 5, unit: 'steps' } as const;
    const checkpoint = { ...tinyRecipe().checkpoint, every };
    const { options, kept } = tinyTraining({ recipe: tinyRecipe({ checkpoint, epochs: 2 }) });
    await train(options);
    expect(kept.checkpoints.map(({ step, periodic }) => [step, periodic])).toEqual([
      [5, true],
      [10, true],
      [14, false],
    ]);
  });

  it('of no epochs ends at once', async () => {
    const { options, session } = tinyTraining({ recipe: tinyRecipe({ epochs: 0 }) });
    expect(await train(options)).toMatchObject({ ended: 'finished', state: { step: 0 } });
    expect(session.steps).toHaveLength(0);
  });

  it('without a validation split measures the training alone', async () => {
    const checkpoint = { ...tinyRecipe().checkpoint, best: { monitor: 'train.loss', mode: 'min' } as const };
    const { options, events } = tinyTraining({ recipe: tinyRecipe({ checkpoint }), validation: undefined });
    await train(options);
    expect(Object.keys(recordsOf(events, 'epoch')[0]!.values)).toEqual(['train.loss', 'train.accuracy']);
  });
});

describe('early stopping', () => {
  const earlyStop = {
    monitor: 'val.loss',
    mode: 'max',
    patience: 2,
    minDelta: 0,
    startFromEpoch: 0,
    restoreBest: true,
  } as const;

  it('ends a run and brings the best weights back', async () => {
    // The loss falls, so that upwards the first epoch is the best.
    const tiny = tinyTraining({ recipe: tinyRecipe({ earlyStop, epochs: 9 }) });
    const { ended, restoredEpoch, state, weights } = await train(tiny.options);
    expect([ended, restoredEpoch, state.epoch]).toEqual(['early-stop', 1, 3]);
    const first = tinyTraining({
      recipe: tinyRecipe({ epochs: 9 }),
      onEvent: (event) => {
        if (event.type === 'epoch') throw new Error('enough');
      },
    });
    await expect(train(first.options)).rejects.toThrow('enough');
    const then = await first.session.readState();
    const state1 = await tiny.session.readState();
    for (const name of ['fc.weight', 'fc.bias', 'ema.fc.weight', 'bn.running_mean']) {
      expect(state1.get(name)).toEqual(then.get(name));
    }
    expect(weights.get('fc.weight')).toEqual(then.get('ema.fc.weight'));
    expect(tiny.kept.weights.at(-1)).toEqual({ kind: 'final', tensors: weights });
    // The checkpoint is of the run, not of what was brought back.
    const last = await lastCheckpoint(tiny.kept);
    expect(last.tensors.get('fc.weight')).not.toEqual(then.get('fc.weight'));
    expect(last.state.ended).toBe('early-stop');
  });

  it('brings them back whatever ended the run', async () => {
    const run = tinyTraining({ recipe: tinyRecipe({ earlyStop: { ...earlyStop, patience: 99 } }) });
    expect(await train(run.options)).toMatchObject({ ended: 'finished', restoredEpoch: 1 });
    const broken = tinySession((inputs) => inputs['rng']!.data[0]! > 9);
    const stopped = tinyTraining({ recipe: tinyRecipe({ earlyStop: { ...earlyStop, patience: 99 } }) }, broken);
    expect(await faultOfAsync(() => train(stopped.options))).toMatch(/^E0909/);
    expect(stopped.kept.weights.at(-1)).toEqual(run.kept.weights.at(-1));
  });

  it('leaves the last weights where it is told to', async () => {
    const { options } = tinyTraining({ recipe: tinyRecipe({ earlyStop: { ...earlyStop, restoreBest: false } }) });
    expect(await train(options)).toMatchObject({ ended: 'early-stop', restoredEpoch: undefined });
  });
});

describe('metrics', () => {
  it.each([
    [
      { checkpoint: { ...tinyRecipe().checkpoint, best: { monitor: 'val.speed', mode: 'max' } as const } },
      'checkpoint',
    ],
    [
      {
        earlyStop: {
          monitor: 'val.pixel_accuracy',
          mode: 'max' as const,
          patience: 1,
          minDelta: 0,
          startFromEpoch: 0,
          restoreBest: true,
        },
      },
      'early_stop',
    ],
  ])('that are not measured cannot be monitored', async (more, setting) => {
    const { options, session } = tinyTraining({ recipe: tinyRecipe(more) });
    expect(await faultOfAsync(() => train(options))).toMatch(
      new RegExp(`^E0910: ${setting} monitors val\\.\\w+, which is not measured$`),
    );
    expect(session.steps).toHaveLength(0);
  });

  it('of validation need a validation split', async () => {
    const { options } = tinyTraining({ validation: undefined });
    expect(await faultOfAsync(() => train(options))).toBe(
      'E0910: checkpoint monitors val.loss, which is not measured, and there is no validation split',
    );
  });

  it('are measured where they are monitored', async () => {
    const checkpoint = { ...tinyRecipe().checkpoint, best: { monitor: 'val.mean_iou', mode: 'max' } as const };
    const { options, events } = tinyTraining({ recipe: tinyRecipe({ checkpoint, metrics: [] }) });
    await train(options);
    expect(Object.keys(recordsOf(events, 'epoch')[0]!.values)).toContain('val.mean_iou');
  });

  it('do not depend on the size of batches, nor on what fills the last one up', async () => {
    const session = tinySession();
    const target = tinyRecipe().target;
    await train(tinyTraining({}, session).options);
    const measure = (batch: number) =>
      evaluateSplit({ session, source: tinySource(13, 1, batch, false), target, metrics: ['accuracy'] });
    const [one, many] = [await measure(1), await measure(5)];
    expect(many!.labels).toBe(13);
    expect([...many!.confusion.counts]).toEqual([...one!.confusion.counts]);
    expect(many!.values['loss']).toBeCloseTo(one!.values['loss']!, 6);
  });
});

it('fails where a source breaks its promise', async () => {
  const source = tinySource(37, 0);
  const { options } = tinyTraining({ train: { ...source, stepsPerEpoch: 8 } });
  await expect(train(options)).rejects.toThrow('an epoch has 8 batches, but only 7 came');
});

it('every vector of the fake has a kind that the loop knows', () => {
  expect(new Set(tinyVectors.flatMap(({ tensors }) => tensors.map(({ kind }) => kind))).size).toBe(5);
});
