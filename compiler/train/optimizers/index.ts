/** The optimizers of the language by name. */
import { TrainingFault } from '../training-fault.ts';
import { adam, adamw, type AdamSettings } from './adam.ts';
import { lion, type LionSettings } from './lion.ts';
import type { Optimizer } from './optimizer.ts';
import { rmsprop, type RmspropSettings } from './rmsprop.ts';
import { sgd, type SgdSettings } from './sgd.ts';

interface Decay {
  /** The optimizer's own weight decay, of all parameters. */
  readonly weightDecay: number;
}

/** The learning rate is no part of it: it enters each step from outside. */
export type OptimizerSettings = Decay &
  (
    | ({ readonly name: 'sgd' } & SgdSettings)
    | ({ readonly name: 'adam' | 'adamw' } & AdamSettings)
    | ({ readonly name: 'rmsprop' } & RmspropSettings)
    | ({ readonly name: 'lion' } & LionSettings)
  );

/** `cyclesMomentum`: a schedule moves the momentum, which then enters each step from outside as well. */
export function optimizerOf(settings: OptimizerSettings, cyclesMomentum: boolean): Optimizer {
  if (settings.name === 'sgd') return sgd(settings, cyclesMomentum);
  if (settings.name === 'rmsprop') return rmsprop(settings, cyclesMomentum);
  if (cyclesMomentum) {
    const message = `${settings.name} has no momentum that a schedule could cycle`;
    throw new TrainingFault('schedule', message, 'leave it out, or use `sgd` or `rmsprop`', 'momentum');
  }
  if (settings.name === 'lion') return lion(settings);
  return settings.name === 'adam' ? adam(settings) : adamw(settings);
}
