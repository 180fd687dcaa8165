/** `adagrad` (Duchi et al. 2011), as torch.optim.Adagrad. */
import { plus, minus, rootOf, square, times } from '../expressions.ts';
import { learningRate, type HostScalar, type Optimizer, type UpdateOperands } from './optimizer.ts';
import { overRoot } from './quotient.ts';

export interface AdagradSettings {
  /** The rate of step t, counted from one, is divided by `1 + lrDecay (t - 1)`. */
  readonly lrDecay: number;
  readonly initialAccumulatorValue: number;
  readonly eps: number;
}

/** `s = s + g^2; p -= lr / (1 + lrDecay (t - 1)) * g / (sqrt(s0 + s) + eps)`: slots are zero at first, and s0 is not. */
export function adagrad({ lrDecay, initialAccumulatorValue, eps }: AdagradSettings): Optimizer {
  const slowing: HostScalar = { input: 'slowing', kind: 'inverseTime', decay: lrDecay };
  const update = ({ parameter, gradient, slot, scalar }: UpdateOperands) => {
    const sum = plus(slot('sum'), square(gradient));
    const all = initialAccumulatorValue === 0 ? sum : plus(sum, initialAccumulatorValue);
    const rate = lrDecay === 0 ? scalar('lr') : times(scalar('lr'), scalar(slowing.input));
    return { parameter: minus(parameter, times(rate, overRoot(gradient, rootOf(all), eps))), slots: { sum } };
  };
  return {
    name: 'adagrad',
    slots: ['sum'],
    scalars: [learningRate, ...(lrDecay === 0 ? [] : [slowing])],
    ownDecay: 'l2',
    regularizerDecay: 'l2',
    update,
  };
}
