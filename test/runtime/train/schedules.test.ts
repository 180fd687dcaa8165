/** Learning-rate schedules against curves recorded with PyTorch, and where they begin, end and change their unit. */
import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  initialPlateau,
  observePlateau,
  type Plateau,
  type PlateauState,
} from '../../../runtime/train/loop/plateau.ts';
import type { BaseSchedule, Schedule, Time } from '../../../runtime/train/recipe.ts';
import { ratesAt, stretches, warmupSteps, type ScheduleSettings } from '../../../runtime/train/loop/schedules.ts';
import { scheduleOf } from '../../../compiler/stages/train/schedule.ts';
import { check } from '../../analyze/memory-host.ts';
import { realData } from '../real-data.ts';
import { learningOf } from '../../../compiler/stages/train/training-settings.ts';

const steps = (value: number): Time => ({ value, unit: 'steps' });
const epochs = (value: number): Time => ({ value, unit: 'epochs' });
const cyclicMomentum: [number, number] = [0.8, 0.9];
const oneCycleMomentum: [number, number] = [0.85, 0.95];

const settingsOf = (schedule: Schedule, more: Partial<ScheduleSettings> = {}): ScheduleSettings => ({
  lr: 0.1,
  momentum: 0.9,
  schedule,
  epochs: 4,
  stepsPerEpoch: 50,
  ...more,
});
const plateau: Plateau = {
  kind: 'plateau',
  factor: 0.5,
  patience: 5,
  threshold: 1e-3,
  thresholdMode: 'rel',
  cooldown: 0,
  minLr: 0,
  mode: 'min',
  monitor: 'val.loss',
};
const cyclic = (more: Partial<Extract<BaseSchedule, { kind: 'cyclic' }>>): Schedule => ({
  base: {
    kind: 'cyclic',
    base: 1e-3,
    max: 0.1,
    up: steps(25),
    down: steps(25),
    mode: 'triangular',
    gamma: 1,
    momentum: cyclicMomentum,
    ...more,
  },
});
const oneCycle = {
  kind: 'one_cycle',
  max: 0.2,
  total: steps(200),
  pctStart: 0.3,
  div: 25,
  finalDiv: 1e4,
  anneal: 'cos',
  unit: 'step',
  momentum: oneCycleMomentum,
} as const;

/** By the beginning of the name of the recorded curve. */
const recorded: readonly (readonly [string, Schedule])[] = [
  ['StepLR', { base: { kind: 'step', every: steps(30), gamma: 0.1 } }],
  ['MultiStepLR', { base: { kind: 'multi_step', at: [steps(50), steps(120)], gamma: 0.2 } }],
  ['ExponentialLR', { base: { kind: 'exponential', gamma: 0.97, unit: 'step' } }],
  ['CosineAnnealingLR', { base: { kind: 'cosine', tMax: steps(100), etaMin: 1e-4, unit: 'step' } }],
  ['CosineAnnealingWarmRestarts', { base: { kind: 'cosine_restarts', period: steps(20), mult: 2, etaMin: 0 } }],
  ['CyclicLR(1e-3, 0.1, 25, triangular)', cyclic({})],
  ['CyclicLR(1e-3, 0.1, 25, 15, triangular2)', cyclic({ down: steps(15), mode: 'triangular2' })],
  ['CyclicLR(1e-3, 0.1, 20, exp_range', cyclic({ up: steps(20), down: steps(20), mode: 'exp_range', gamma: 0.99 })],
  [
    'LinearLR',
    { warmup: { length: steps(10), start: 0.1 }, base: { kind: 'cosine', tMax: steps(190), etaMin: 0, unit: 'step' } },
  ],
  ['PolynomialLR', { base: { kind: 'polynomial', power: 2, total: steps(200), etaMin: 0, unit: 'step' } }],
  ['ReduceLROnPlateau', { base: plateau }],
  ['OneCycleLR', { base: oneCycle }],
];

const path = realData('torch/schedules.json');
const curves: Readonly<Record<string, readonly (number | readonly [number, number])[]>> = path
  ? JSON.parse(readFileSync(path, 'utf8')).schedules
  : {};

describe("PyTorch's recorded curves", () => {
  it.runIf(path)('are all compared', () => {
    expect(Object.keys(curves)).toHaveLength(recorded.length);
    expect(recorded).toHaveLength(12);
  });

  it.runIf(path).each(recorded)('%s', (name, schedule) => {
    const curve = Object.entries(curves).find(([key]) => key.startsWith(name))?.[1] ?? [];
    expect(curve).toHaveLength(200);
    const settings = settingsOf(schedule);
    let state: PlateauState | undefined = schedule.base.kind === 'plateau' ? initialPlateau(0.1) : undefined;
    curve.forEach((wanted, step) => {
      const [lr, momentum] = typeof wanted === 'number' ? [wanted] : wanted;
      const rates = ratesAt(settings, step, state);
      expect(Math.abs(rates.lr - lr), `step ${step}`).toBeLessThan(1e-12);
      if (momentum !== undefined) expect(Math.abs((rates.momentum ?? NaN) - momentum)).toBeLessThan(1e-12);
      if (state) state = observePlateau(plateau, state, Math.max(0.2, 1 - step / 40));
    });
  });
});

/** Of a directive, against `golden/train/record_schedules.py`. */
describe("PyTorch's lines and powers of them", () => {
  const golden = JSON.parse(readFileSync(new URL('../../golden/train/schedules.json', import.meta.url), 'utf8')) as {
    readonly base: number;
    readonly curves: Readonly<Record<string, readonly number[]>>;
  };
  const cases = [
    ['linear', 'linear(total=30steps)'],
    ['linear falling', 'linear(start_factor=1, end_factor=0, total=25steps)'],
    ['linear behind a warm-up', 'linear(1, end_factor=25%, total=20steps, warmup=10steps, warmup_start=0.1)'],
    ['polynomial behind a warm-up', 'polynomial(2, total=20steps, warmup=10steps, warmup_start=0.1)'],
  ] as const;

  it('are all compared', () => {
    expect(cases.map(([name]) => name)).toEqual(Object.keys(golden.curves));
  });

  it.each(cases)('%s', (name, schedule) => {
    const { program } = check(`
model M(image: f32[N, 3, 8, 8]) { return image |> global_avg_pool |> flatten |> linear(2) }
dataset d { format = "synthetic" }
train t for M { data = d  loss = mse()  optimizer = sgd(lr=0.1)  schedule = ${schedule} }`);
    const directive = program.directives.at(-1);
    const read = scheduleOf(learningOf({ settings: directive?.settings ?? new Map() }).schedule);
    const curve = golden.curves[name] ?? [];
    expect(curve).toHaveLength(40);
    const settings = settingsOf(read, { lr: golden.base });
    curve.forEach((rate, step) => expect(ratesAt(settings, step).lr, `step ${step}`).toBeCloseTo(rate, 12));
  });

  it('end with the run where no length is given, so that more epochs are another schedule', () => {
    const base = { kind: 'linear', startFactor: 1, endFactor: 0.5, unit: 'step' } as const;
    const settings = settingsOf({ base });
    for (const [step, rate] of [
      [0, 0.1],
      [100, 0.075],
      [200, 0.05],
    ] as const)
      expect(ratesAt(settings, step).lr).toBeCloseTo(rate, 12);
    expect([stretches(base), stretches({ ...base, total: steps(5) })]).toEqual([true, false]);
  });
});

describe('the unit', () => {
  const lrs = (schedule: Schedule, more: Partial<ScheduleSettings>, at: readonly number[]): readonly number[] =>
    at.map((step) => ratesAt(settingsOf(schedule, more), step).lr);

  it('is the epoch where times are in epochs: the rate is constant inside of one', () => {
    const schedule: Schedule = { base: { kind: 'multi_step', at: [epochs(1), epochs(3)], gamma: 0.5 } };
    expect(lrs(schedule, { lr: 8 }, [0, 49, 50, 149, 150, 199])).toEqual([8, 8, 4, 4, 2, 2]);
  });

  it('is the step where times differ, and epochs are converted', () => {
    const schedule: Schedule = { base: { kind: 'multi_step', at: [epochs(1), steps(70)], gamma: 0.5 } };
    expect(lrs(schedule, { lr: 8 }, [49, 50, 69, 70])).toEqual([8, 4, 4, 2]);
  });

  it('may be the step while the length is in epochs', () => {
    const schedule: Schedule = { base: { kind: 'polynomial', power: 1, total: epochs(4), etaMin: 0, unit: 'step' } };
    expect(lrs(schedule, { lr: 200 }, [0, 1, 100])).toEqual([200, 199, 100]);
  });

  it('of a length that is left out is the rest of the run, and the rate stays at its end', () => {
    const base = { kind: 'polynomial', power: 1, etaMin: 0, unit: 'epoch' } as const;
    const schedule: Schedule = { warmup: { length: epochs(2), start: 0.5 }, base };
    expect(lrs(schedule, { lr: 8 }, [0, 49, 50, 99, 100, 149, 150, 200, 500])).toEqual([4, 4, 6, 6, 8, 8, 4, 0, 0]);
  });

  it('of a directive without a length ends the schedule with the run, behind a warm-up in steps too', () => {
    const span = { file: { path: '', text: '' }, start: 0, end: 0 };
    const args = new Map([['warmup', { kind: 'number', value: 30, quantity: 'steps' } as const]]);
    const given = new Map([['schedule', { kind: 'call', name: 'cosine', args, span } as const]]);
    const { schedule } = learningOf({ settings: given });
    const settings = settingsOf(scheduleOf(schedule));
    expect(ratesAt(settings, 30).lr).toBe(0.1);
    expect(ratesAt(settings, 115).lr).toBeCloseTo(0.05, 12);
    expect(ratesAt(settings, 200).lr).toBeCloseTo(0, 12);
  });

  it('of a warm-up may be another than that of the schedule, whose clock starts after it', () => {
    const schedule: Schedule = {
      warmup: { length: steps(10), start: 0 },
      base: { kind: 'step', every: epochs(1), gamma: 0.5 },
    };
    expect(lrs(schedule, { lr: 8 }, [0, 5, 9, 10, 59, 60])).toEqual([0, 4, 7.2, 8, 8, 4]);
  });
});

describe('edges', () => {
  it('a warm-up as long as the run leaves every rate a number', () => {
    for (const kind of ['cosine', 'polynomial'] as const) {
      const base: BaseSchedule = { kind, power: 1, etaMin: 0, unit: 'epoch' };
      const settings = settingsOf({ warmup: { length: epochs(4), start: 0.5 }, base });
      expect(ratesAt(settings, 0).lr).toBe(0.05);
      expect(ratesAt(settings, 199).lr).toBeCloseTo(0.1 * (0.5 + (0.5 * 3) / 4), 12);
    }
  });

  it('a warm-up of nothing changes nothing', () => {
    const base: BaseSchedule = { kind: 'exponential', gamma: 0.9, unit: 'step' };
    const with0 = settingsOf({ warmup: { length: steps(0), start: 0.1 }, base });
    for (const step of [0, 1, 7]) expect(ratesAt(with0, step)).toEqual(ratesAt(settingsOf({ base }), step));
  });

  it('a warm-up leads to the first rate of the schedule where that is not the own rate', () => {
    const settings = settingsOf({ ...cyclic({}), warmup: { length: steps(4), start: 0.5 } });
    expect(warmupSteps(settings)).toBe(4);
    expect(ratesAt(settings, 0)).toEqual({ lr: 5e-4, momentum: 0.9 });
    expect(ratesAt(settings, 4).lr).toBeCloseTo(1e-3, 15);
    expect(ratesAt(settings, 29).lr).toBeCloseTo(0.1, 15);
  });

  it('one cycle stays at its last rates', () => {
    const settings = settingsOf({ base: oneCycle });
    expect(ratesAt(settings, 1000)).toEqual(ratesAt(settings, 199));
    expect(ratesAt(settings, 199).lr).toBeCloseTo(0.2 / 25 / 1e4, 15);
  });

  it('one cycle with linear slopes, and none that rises', () => {
    const linear = { ...oneCycle, anneal: 'linear', total: steps(11), pctStart: 6 / 11 } as const;
    const rates = [0, 5, 10].map((step) => ratesAt(settingsOf({ base: linear }), step));
    expect(rates.map(({ momentum }) => momentum)).toEqual([0.95, 0.85, 0.95]);
    expect(ratesAt(settingsOf({ base: { ...oneCycle, pctStart: 1 / 200 } }), 0).lr).toBe(0.2);
  });

  it('without a momentum to cycle, the own one stays', () => {
    const base: BaseSchedule = { ...oneCycle, momentum: undefined };
    expect(ratesAt(settingsOf({ base }), 60).momentum).toBe(0.9);
    expect(ratesAt(settingsOf({ base }, { momentum: undefined }), 60).momentum).toBeUndefined();
  });

  it('restarts with equal periods', () => {
    const base: BaseSchedule = { kind: 'cosine_restarts', period: steps(7), mult: 1, etaMin: 0.01 };
    for (const step of [0, 7, 70]) expect(ratesAt(settingsOf({ base }), step).lr).toBe(0.1);
  });

  it('every rate lies between the least and the greatest', () => {
    const schedules = recorded.filter(([, { base }]) => base.kind !== 'plateau');
    fc.assert(
      fc.property(fc.constantFrom(...schedules), fc.nat(100_000), ([, schedule], step) => {
        const { lr, momentum } = ratesAt(settingsOf(schedule), step);
        expect(lr).toBeGreaterThanOrEqual(0);
        expect(lr).toBeLessThanOrEqual(0.2 + 1e-12);
        expect(momentum).toBeGreaterThanOrEqual(0.8 - 1e-12);
        expect(momentum).toBeLessThanOrEqual(0.95 + 1e-12);
      }),
    );
  });
});

describe('a plateau', () => {
  const run = (settings: Partial<Plateau>, metrics: readonly number[]): readonly number[] => {
    let state = initialPlateau(1);
    return metrics.map((metric) => {
      state = observePlateau({ ...plateau, threshold: 0, patience: 1, ...settings }, state, metric);
      return state.lr;
    });
  };

  it('tolerates `patience` epochs without progress', () => {
    expect(run({}, [5, 5, 5, 5, 5])).toEqual([1, 1, 0.5, 0.5, 0.25]);
  });

  it('rests after a drop', () => {
    expect(run({ cooldown: 2 }, [5, 5, 5, 5, 5, 5, 5])).toEqual([1, 1, 0.5, 0.5, 0.5, 0.5, 0.25]);
  });

  it('stops at the least rate', () => {
    expect(run({ patience: 0, minLr: 0.3 }, [5, 5, 5, 5])).toEqual([1, 0.5, 0.3, 0.3]);
  });

  it('counts upward progress, by a share or by an amount', () => {
    expect(run({ mode: 'max', patience: 0, threshold: 0.1 }, [10, 11, 12.2])).toEqual([1, 0.5, 0.5]);
    expect(run({ mode: 'max', patience: 0, threshold: 0.1, thresholdMode: 'abs' }, [10, 10.2, 10.25])).toEqual([
      1, 1, 0.5,
    ]);
  });

  it('takes NaN for no progress, also at first', () => {
    expect(run({ patience: 0 }, [NaN, 5, 4, NaN])).toEqual([0.5, 0.5, 0.5, 0.25]);
  });

  it('survives JSON', () => {
    const state = observePlateau(plateau, initialPlateau(0.1), 3);
    expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    expect(JSON.parse(JSON.stringify(initialPlateau(0.1)))).toEqual(initialPlateau(0.1));
  });
});
