/** The learning-rate schedule of a directive as the recipe has it. */
import type { Settings } from '../../analyze/directive-values.ts';
import type { BaseSchedule, Direction, Schedule, Time } from '../../../runtime/train/recipe.ts';
import { numberOf, pairOf, textOf, timeOf, timesOf, type CallSetting } from '../run/settings.ts';

/** `val.accuracy`: a metric without a split is measured on the validation split. */
export const metricPath = (name: string): string => (name.includes('.') ? name : `val.${name}`);

/** Losses fall, every other metric rises. */
export const directionOf = (monitor: string, given: string | undefined): Direction => {
  if (given === 'min' || given === 'max') return given;
  return monitor.endsWith('loss') ? 'min' : 'max';
};

/** `call` is the `schedule = ...` of a directive that runs for so many epochs. */
export function scheduleOf(call: CallSetting | undefined, epochs: number): Schedule {
  if (!call) return { base: { kind: 'constant' } };
  const length = timeOf(call.args.get('warmup'));
  const start = numberOf(call.args.get('warmup_start')) ?? 0.01;
  const base = baseOf(call.name, call.args, epochs, length);
  return length && length.value > 0 ? { warmup: { length, start }, base } : { base };
}

function unitOf(args: Settings, ...times: readonly (Time | undefined)[]): 'epoch' | 'step' {
  const given = textOf(args.get('unit'));
  if (given === 'epoch' || given === 'step') return given;
  return times.some((time) => time?.unit === 'steps') ? 'step' : 'epoch';
}

/** A length that is not given is left to the trainer, which knows the steps of an epoch. */
function baseOf(name: string, args: Settings, epochs: number, warmup: Time | undefined): BaseSchedule {
  const gamma = numberOf(args.get('gamma'));
  const etaMin = numberOf(args.get('eta_min')) ?? 0;
  const rest: Time = { value: epochs, unit: 'epochs' };
  switch (name) {
    case 'step':
      return { kind: 'step', every: timeOf(args.get('every')) ?? rest, gamma: gamma ?? 0.1 };
    case 'multi_step':
      return { kind: 'multi_step', at: timesOf(args.get('at')), gamma: gamma ?? 0.1 };
    case 'exponential':
      return { kind: 'exponential', gamma: gamma ?? 1, unit: unitOf(args, warmup) };
    case 'polynomial': {
      const total = timeOf(args.get('total'));
      return {
        kind: 'polynomial',
        power: numberOf(args.get('power')) ?? 1,
        total,
        etaMin,
        unit: unitOf(args, total, warmup),
      };
    }
    case 'cosine': {
      const tMax = timeOf(args.get('t_max'));
      return { kind: 'cosine', tMax, etaMin, unit: unitOf(args, tMax, warmup) };
    }
    case 'cosine_restarts': {
      const period = timeOf(args.get('period')) ?? rest;
      return { kind: 'cosine_restarts', period, mult: numberOf(args.get('mult')) ?? 1, etaMin };
    }
    case 'cyclic':
      return cyclicOf(args);
    case 'one_cycle':
      return oneCycleOf(args);
    case 'plateau':
      return plateauOf(args);
    default:
      return { kind: 'constant' };
  }
}

function cyclicOf(args: Settings): BaseSchedule {
  const up = timeOf(args.get('up')) ?? { value: 1, unit: 'epochs' };
  const mode = textOf(args.get('mode'));
  const momentum = pairOf(args.get('momentum'));
  return {
    kind: 'cyclic',
    base: numberOf(args.get('base')) ?? 0,
    max: numberOf(args.get('max')) ?? 0,
    up,
    down: timeOf(args.get('down')) ?? up,
    mode: mode === 'triangular2' || mode === 'exp_range' ? mode : 'triangular',
    gamma: numberOf(args.get('gamma')) ?? 1,
    ...(momentum ? { momentum } : {}),
  };
}

function oneCycleOf(args: Settings): BaseSchedule {
  const total = timeOf(args.get('total'));
  const momentum = pairOf(args.get('momentum'));
  return {
    kind: 'one_cycle',
    max: numberOf(args.get('max')) ?? 0,
    total,
    pctStart: numberOf(args.get('pct_start')) ?? 0.3,
    div: numberOf(args.get('div')) ?? 25,
    finalDiv: numberOf(args.get('final_div')) ?? 1e4,
    anneal: textOf(args.get('anneal')) === 'linear' ? 'linear' : 'cos',
    // One-cycle is defined by the step (Smith 2018), unless its length is asked for by the epoch.
    unit: textOf(args.get('unit')) === 'epoch' ? 'epoch' : 'step',
    ...(momentum ? { momentum } : {}),
  };
}

function plateauOf(args: Settings): BaseSchedule {
  const monitor = metricPath(textOf(args.get('monitor')) ?? 'val.loss');
  return {
    kind: 'plateau',
    factor: numberOf(args.get('factor')) ?? 0.1,
    patience: numberOf(args.get('patience')) ?? 10,
    threshold: numberOf(args.get('threshold')) ?? 1e-4,
    thresholdMode: textOf(args.get('threshold_mode')) === 'abs' ? 'abs' : 'rel',
    cooldown: numberOf(args.get('cooldown')) ?? 0,
    minLr: numberOf(args.get('min_lr')) ?? 0,
    mode: directionOf(monitor, textOf(args.get('mode'))),
    monitor,
  };
}
