/** Schedules of the learning rate: their settings with defaults, and what other frameworks call them. */
import { called, missing, type Foreign } from '../../../grammar/elsewhere/entry.ts';
import {
  positive,
  nonNegative,
  ratio,
  epochs,
  naturalEpochs,
  time,
  rate,
  metric,
  list,
  two,
  required,
  optional,
  open,
  derived,
  within,
  choice,
  type Functions,
  type Time,
} from '../directives/directive-spec.ts';

/** Losses fall, every other metric rises. */
export const directionOf = (monitor: string): 'min' | 'max' => (monitor.endsWith('loss') ? 'min' : 'max');

/** Which way a `monitor` beside it goes. */
export const direction = derived(
  choice('min', 'max'),
  'by the metric',
  ({ monitor }: { readonly monitor: string }) => directionOf(monitor),
  'direction of progress',
);

/** Consequences of times that the run never gets to. */
const drops = 'the rate never drops then';
const unfinished = 'the rate never reaches its end';

const warmup = {
  warmup: within(optional(time, { value: 0, unit: 'epochs' }, 'linear warm-up in front'), 'the rate is never reached'),
  warmup_start: optional(ratio, 0.01, 'share of the learning rate that the warm-up starts from'),
};
const unit = {
  unit: derived(
    choice('epoch', 'step'),
    'the unit of the times given, else `epoch`',
    (times: Readonly<Partial<Record<'warmup' | 'total' | 'tMax', Time | undefined>>>) =>
      [times.warmup, times.total, times.tMax].some((each) => each?.unit === 'steps') ? 'step' : 'epoch',
    'what it moves with',
  ),
};
const cycledMomentum = open(two(ratio), 'none', 'least and greatest momentum, cycled against the learning rate');
const rest = 'the run without warm-up';

export const schedules = {
  constant: { ...warmup },
  step: {
    every: within(required(time, 'time between drops'), drops),
    gamma: optional(ratio, 0.1, 'factor of a drop'),
    ...warmup,
  },
  multi_step: {
    at: within(required(list(time), 'times of the drops'), 'this drop never comes'),
    gamma: optional(ratio, 0.1, 'factor of a drop'),
    ...warmup,
  },
  exponential: { gamma: required(ratio, 'factor a unit'), ...unit, ...warmup },
  linear: {
    start_factor: optional(ratio, 1 / 3, 'share of the learning rate that it starts from'),
    end_factor: optional(ratio, 1, 'share of the learning rate that it ends with'),
    total: within(open(time, rest, 'time to the end'), unfinished, true),
    ...unit,
    ...warmup,
  },
  polynomial: {
    power: optional(nonNegative, 1, 'exponent of the share of the run that is left'),
    total: within(open(time, rest, 'time to the end'), unfinished, true),
    eta_min: optional(rate, 0, 'learning rate at the end'),
    ...unit,
    ...warmup,
  },
  cosine: {
    t_max: within(open(time, rest, 'half a period'), unfinished, true),
    eta_min: optional(rate, 0, 'learning rate at the end'),
    ...unit,
    ...warmup,
  },
  cosine_restarts: {
    period: within(required(time, 'time to the first restart'), 'the run ends before the first restart', true),
    mult: optional(positive, 1, 'growth of the period'),
    eta_min: optional(rate, 0, 'least learning rate'),
    ...warmup,
  },
  cyclic: {
    base: required(rate, 'least learning rate'),
    max: required(rate, 'greatest learning rate'),
    up: within(required(time, 'time of the rise'), 'the run ends before the rate has risen', true),
    down: derived(time, 'as the rise', ({ up }: { readonly up: Time }) => up, 'time of the fall'),
    mode: optional(choice('triangular', 'triangular2', 'exp_range'), 'triangular', 'shape of the cycles'),
    gamma: optional(ratio, 1, 'factor a unit of exp_range'),
    momentum: cycledMomentum,
  },
  one_cycle: {
    max: required(rate, 'greatest learning rate'),
    total: within(open(time, 'the run', 'length of the cycle'), unfinished, true),
    pct_start: optional(ratio, 0.3, 'share of the rise'),
    div: optional(nonNegative, 25, 'greatest over initial rate'),
    final_div: optional(nonNegative, 1e4, 'initial over final rate'),
    anneal: optional(choice('cos', 'linear'), 'cos', 'shape of rise and fall'),
    momentum: cycledMomentum,
    // One-cycle is defined by the step (Smith 2018), unless its length is asked for by the epoch.
    unit: optional(choice('epoch', 'step'), 'step', 'what it moves with'),
  },
  plateau: {
    monitor: optional(metric, 'val.loss', 'what must improve'),
    mode: direction,
    factor: optional(ratio, 0.1, 'factor of a drop'),
    patience: within(optional(epochs, 10, 'epochs without progress'), drops),
    threshold: optional(nonNegative, 1e-4, 'least change that counts'),
    threshold_mode: optional(choice('rel', 'abs'), 'rel', 'whether the threshold is a share of the best value'),
    cooldown: optional(naturalEpochs, 0, 'epochs of rest after a drop'),
    min_lr: optional(rate, 0, 'least learning rate'),
    ...warmup,
  },
} satisfies Functions;

export const schedulesElsewhere: readonly Foreign[] = [
  called('lr_scheduler.StepLR', 'step(every=30epochs)'),
  called('lr_scheduler.MultiStepLR PiecewiseConstantDecay', 'multi_step(at=[30epochs, 60epochs])'),
  called('lr_scheduler.ExponentialLR ExponentialDecay', 'exponential(gamma=0.95)'),
  called('lr_scheduler.PolynomialLR PolynomialDecay', 'polynomial(power=0.9)'),
  called('lr_scheduler.CosineAnnealingLR CosineDecay cosine_annealing', 'cosine()', 'it lasts as long as the run'),
  called('lr_scheduler.CosineAnnealingWarmRestarts CosineDecayRestarts', 'cosine_restarts(period=10epochs)'),
  called('lr_scheduler.CyclicLR', 'cyclic(base=0.001, max=0.1, up=5epochs)'),
  called('lr_scheduler.OneCycleLR', 'one_cycle(max=0.1)'),
  called('lr_scheduler.ReduceLROnPlateau', 'plateau(patience=5epochs)'),
  called('lr_scheduler.LinearLR', 'linear(total=5epochs)', 'in front of another schedule it is `warmup`'),
  called('warmup linear_warmup', 'constant(warmup=5epochs)', 'every schedule takes `warmup`'),
  called('lr_scheduler.ConstantLR', 'constant()'),
  missing(
    'lr_scheduler.LambdaLR lr_scheduler.MultiplicativeLR lr_scheduler.SequentialLR lr_scheduler.ChainedScheduler LearningRateScheduler',
    'schedules are not put together; each takes `warmup`, and several runs follow each other by `from`',
  ),
];
