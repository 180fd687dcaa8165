/** `lion`: the sign of an interpolated momentum (Chen et al. 2023, "Symbolic discovery of optimization algorithms"). */
import { minus, plus, signOf, times } from '../expressions.ts';
import { learningRate, type Optimizer, type UpdateOperands } from './optimizer.ts';

export interface LionSettings {
  readonly beta1: number;
  readonly beta2: number;
}

/** `p -= lr sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g` (algorithm 2 of the paper). */
export function lion({ beta1, beta2 }: LionSettings): Optimizer {
  const update = ({ parameter, gradient, slot, scalar }: UpdateOperands) => {
    const old = slot('exp_avg');
    const direction = signOf(plus(times(old, beta1), times(gradient, 1 - beta1)));
    return {
      parameter: minus(parameter, times(scalar('lr'), direction)),
      slots: { exp_avg: plus(times(old, beta2), times(gradient, 1 - beta2)) },
    };
  };
  return {
    name: 'lion',
    slots: ['exp_avg'],
    scalars: [learningRate],
    ownDecay: 'decoupled',
    regularizerDecay: 'decoupled',
    update,
  };
}
