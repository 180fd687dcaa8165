/** The optimizers of the language by name. */
import { TrainingFault } from '../training-fault.ts';
import { adagrad } from './adagrad.ts';
import { adam, adamw } from './adam.ts';
import { lion } from './lion.ts';
import type { Optimizer } from './optimizer.ts';
import { rmsprop } from './rmsprop.ts';
import { sgd } from './sgd.ts';

/** One that has no momentum which a schedule could move. */
const steady =
  <S>(make: (settings: S) => Optimizer) =>
  (settings: S, cyclesMomentum: boolean): Optimizer => {
    const optimizer = make(settings);
    if (!cyclesMomentum) return optimizer;
    const message = `${optimizer.name} has no momentum that a schedule could cycle`;
    throw new TrainingFault('schedule', message, 'leave it out, or use `sgd` or `rmsprop`', 'momentum');
  };

const optimizers = {
  sgd,
  adam: steady(adam),
  adamw: steady(adamw),
  adagrad: steady(adagrad),
  rmsprop,
  lion: steady(lion),
};
type Optimizers = typeof optimizers;

interface Decay {
  /** The optimizer's own weight decay, of all parameters. */
  readonly weightDecay: number;
}

/** The learning rate is no part of it: it enters each step from outside. */
export type OptimizerSettings<K extends keyof Optimizers = keyof Optimizers> = {
  [N in K]: { readonly kind: N } & Decay & Parameters<Optimizers[N]>[0];
}[K];

const byName: {
  readonly [N in keyof Optimizers]: (settings: OptimizerSettings<N>, cyclesMomentum: boolean) => Optimizer;
} = optimizers;

/** `cyclesMomentum`: a schedule moves the momentum, which then enters each step from outside as well. */
export const optimizerOf = <K extends keyof Optimizers>(
  settings: OptimizerSettings<K>,
  cyclesMomentum: boolean,
): Optimizer => byName[settings.kind](settings, cyclesMomentum);
