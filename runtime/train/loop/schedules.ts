/** The learning rate and the momentum of every step: PyTorch's `torch.optim.lr_scheduler`, in closed form. */
import type { PlateauState } from './plateau.ts';
import type { BaseSchedule, Recipe, Time } from '../recipe.ts';

/** What the rates of a run depend on, besides the step. */
export interface ScheduleSettings extends Pick<Recipe, 'lr' | 'momentum' | 'schedule' | 'epochs'> {
  readonly stepsPerEpoch: number;
}

export interface Rates {
  readonly lr: number;
  /** Undefined where the recipe has none. */
  readonly momentum: number | undefined;
}

/** A share of progress through a cycle or phase, and how it maps onto both rates. */
interface Clock {
  /** Moves of the schedule so far: whole epochs or steps. */
  readonly t: number;
  /** A length in moves; absent, that of the rest of the run. */
  readonly length: (time: Time | undefined) => number;
}

/**
 * The rates of optimizer step `step`, counted from zero. A schedule moves once an epoch or once a step; during a
 * warm-up that is counted in epochs, the rate moves once an epoch as well. `plateau` is the state of a plateau
 * schedule, and is not read for others.
 */
export function ratesAt(settings: ScheduleSettings, step: number, plateau?: PlateauState): Rates {
  const { warmup } = settings.schedule;
  const start = warmupSteps(settings);
  if (warmup === undefined || step >= start) return baseRates(settings, step - start, plateau);
  const target = baseRates(settings, 0, plateau);
  const t = warmup.length.unit === 'epochs' ? Math.floor(step / settings.stepsPerEpoch) : step;
  // LinearLR with end_factor 1.
  return { ...target, lr: target.lr * (warmup.start + ((1 - warmup.start) * t) / warmup.length.value) };
}

/** Steps before the clock of the base schedule starts. */
export function warmupSteps({ schedule: { warmup }, stepsPerEpoch }: ScheduleSettings): number {
  if (warmup === undefined) return 0;
  return Math.ceil(warmup.length.value) * (warmup.length.unit === 'epochs' ? stepsPerEpoch : 1);
}

/** `step` counts from the end of the warm-up. */
function baseRates(settings: ScheduleSettings, step: number, plateau: PlateauState | undefined): Rates {
  const { lr, momentum } = settings;
  const base = settings.schedule.base;
  const clock = clockOf(settings, step);
  switch (base.kind) {
    case 'constant':
      return { lr, momentum };
    case 'plateau':
      return { lr: plateau?.lr ?? lr, momentum };
    case 'cyclic':
      return cyclic(base, clock, momentum);
    case 'one_cycle':
      return oneCycle(base, clock, momentum);
    default:
      return { lr: decayed(base, clock, lr), momentum };
  }
}

function clockOf(settings: ScheduleSettings, step: number): Clock {
  const { schedule, stepsPerEpoch, epochs } = settings;
  const unitSteps = unitOf(schedule.base) === 'epoch' ? stepsPerEpoch : 1;
  const stepsOf = ({ value, unit }: Time): number => (unit === 'epochs' ? value * stepsPerEpoch : value);
  // A warm-up as long as the run leaves nothing, and the schedule stays at its beginning.
  const rest = Math.max(unitSteps, epochs * stepsPerEpoch - warmupSteps(settings));
  return {
    t: Math.floor(step / unitSteps),
    length: (time) => (time === undefined ? rest : stepsOf(time)) / unitSteps,
  };
}

/** What a schedule moves with: as it says, else with its times, and by the step where they differ. */
function unitOf(base: BaseSchedule): 'epoch' | 'step' {
  if ('unit' in base) return base.unit;
  return timesOf(base).some(({ unit }) => unit === 'steps') ? 'step' : 'epoch';
}

function timesOf(base: BaseSchedule): readonly Time[] {
  switch (base.kind) {
    case 'step':
      return [base.every];
    case 'multi_step':
      return base.at;
    case 'cosine_restarts':
      return [base.period];
    case 'cyclic':
      return [base.up, base.down];
    default:
      return [];
  }
}

/** Whether a schedule ends with the run because no length is given. */
export function stretches(base: BaseSchedule): boolean {
  switch (base.kind) {
    case 'cosine':
      return base.tMax === undefined;
    case 'linear':
    case 'polynomial':
    case 'one_cycle':
      return base.total === undefined;
    default:
      return false;
  }
}

type Decay = Exclude<BaseSchedule, { kind: 'constant' | 'plateau' | 'cyclic' | 'one_cycle' }>;

function decayed(base: Decay, { t, length }: Clock, lr: number): number {
  switch (base.kind) {
    case 'step':
      return lr * base.gamma ** Math.floor(t / length(base.every));
    case 'multi_step':
      return lr * base.gamma ** base.at.filter((each) => t >= length(each)).length;
    case 'exponential':
      return lr * base.gamma ** t;
    case 'linear': {
      const share = Math.min(1, t / length(base.total));
      return lr * (base.startFactor + (base.endFactor - base.startFactor) * share);
    }
    case 'polynomial': {
      const left = Math.max(0, 1 - t / length(base.total));
      return base.etaMin + (lr - base.etaMin) * left ** base.power;
    }
    case 'cosine':
      return cosine(base.etaMin, lr, t / length(base.tMax));
    case 'cosine_restarts':
      return cosine(base.etaMin, lr, shareOfPeriod(t, length(base.period), base.mult));
  }
}

/** From `high` at share 0 to `low` at share 1, and back up beyond it, as CosineAnnealingLR does. */
const cosine = (low: number, high: number, share: number): number =>
  low + ((high - low) * (1 + Math.cos(Math.PI * share))) / 2;

/** Where `t` lies in its period, when each is `mult` times as long as the one before (SGDR, Loshchilov 2017). */
function shareOfPeriod(t: number, first: number, mult: number): number {
  if (mult <= 1) return (t % first) / first;
  let [begin, period] = [0, first];
  while (t >= begin + period) [begin, period] = [begin + period, period * mult];
  return (t - begin) / period;
}

/** CyclicLR (Smith 2017): the momentum falls where the rate rises. The recipe's own rate is not used. */
function cyclic(
  base: Extract<BaseSchedule, { kind: 'cyclic' }>,
  { t, length }: Clock,
  momentum: number | undefined,
): Rates {
  const [up, down] = [length(base.up), length(base.down)];
  const cycle = Math.floor(t / (up + down));
  const at = t - cycle * (up + down);
  const height = (at <= up ? at / up : (up + down - at) / down) * cycleScale(base, cycle, t);
  const rise = (low: number, high: number): number => low + (high - low) * height;
  const [low, high] = base.momentum ?? [];
  return {
    lr: rise(base.base, base.max),
    momentum: low === undefined || high === undefined ? momentum : rise(high, low),
  };
}

function cycleScale(base: Extract<BaseSchedule, { kind: 'cyclic' }>, cycle: number, t: number): number {
  if (base.mode === 'triangular') return 1;
  return base.mode === 'triangular2' ? 0.5 ** cycle : base.gamma ** t;
}

/**
 * OneCycleLR (Smith and Topin 2018) in two phases: up to `max` at move `pctStart * total - 1`, then down to its end at
 * move `total - 1`, where the rates stay. PyTorch raises an error beyond the end.
 */
function oneCycle(
  base: Extract<BaseSchedule, { kind: 'one_cycle' }>,
  { t, length }: Clock,
  momentum: number | undefined,
): Rates {
  const last = length(base.total) - 1;
  const top = base.pctStart * length(base.total) - 1;
  const at = Math.min(t, last);
  const rising = at <= top;
  const [begin, end] = rising ? [0, top] : [top, last];
  const share = end > begin ? (at - begin) / (end - begin) : 1;
  const between = (from: number, to: number): number =>
    base.anneal === 'linear' ? from + (to - from) * share : cosine(to, from, share);
  const first = base.max / base.div;
  const [low, high] = base.momentum ?? [];
  const cycled = low === undefined || high === undefined ? momentum : rising ? between(high, low) : between(low, high);
  return { lr: rising ? between(first, base.max) : between(base.max, first / base.finalDiv), momentum: cycled };
}
