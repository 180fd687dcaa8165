/** `rmsprop` (Hinton 2012, Graves 2013), as torch.optim.RMSprop. */
import type { Node } from '../../ir/node.ts';
import { largerOf, minus, plus, rootOf, square, times, type Operand } from '../expressions.ts';
import { cycledMomentum, learningRate, type Optimizer, type UpdateOperands } from './optimizer.ts';
import { overRoot } from './quotient.ts';

export interface RmspropSettings {
  readonly alpha: number;
  readonly eps: number;
  readonly momentum: number;
  readonly centered: boolean;
}

/**
 * `s = alpha s + (1 - alpha) g^2`, centered also `a = alpha a + (1 - alpha) g` and the variance `s - a^2`, which
 * rounding must not make negative; `buf = mu buf + g / (sqrt(...) + eps); p -= lr buf`.
 */
export function rmsprop(settings: RmspropSettings, cyclesMomentum: boolean): Optimizer {
  const { alpha, eps, momentum, centered } = settings;
  const hasBuffer = momentum !== 0 || cyclesMomentum;
  const update = ({ parameter, gradient, slot, scalar }: UpdateOperands) => {
    const average = (old: Node, value: Node): Node => plus(times(old, alpha), times(value, 1 - alpha));
    const meanSquare = average(slot('square_avg'), square(gradient));
    const mean = centered ? average(slot('grad_avg'), gradient) : undefined;
    const variance = mean ? largerOf(minus(meanSquare, square(mean)), 0) : meanSquare;
    const scaled = overRoot(gradient, rootOf(variance), eps);
    const mu: Operand = cyclesMomentum ? scalar(cycledMomentum.input) : momentum;
    const direction = hasBuffer ? plus(times(slot('momentum'), mu), scaled) : scaled;
    return {
      parameter: minus(parameter, times(scalar('lr'), direction)),
      slots: {
        square_avg: meanSquare,
        ...(mean ? { grad_avg: mean } : {}),
        ...(hasBuffer ? { momentum: direction } : {}),
      },
    };
  };
  return {
    name: 'rmsprop',
    slots: ['square_avg', ...(centered ? ['grad_avg'] : []), ...(hasBuffer ? ['momentum'] : [])],
    scalars: [learningRate, ...(cyclesMomentum ? [cycledMomentum] : [])],
    ownDecay: 'l2',
    regularizerDecay: 'l2',
    update,
  };
}
