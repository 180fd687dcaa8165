/** `adam` (Kingma and Ba 2015) and `adamw` (Loshchilov and Hutter 2019), as torch.optim.Adam and AdamW. */
import { minus, over, plus, rootOf, square, times } from '../expressions.ts';
import { TrainingFault } from '../training-fault.ts';
import { learningRate, type Optimizer, type UpdateOperands } from './optimizer.ts';
import { overRoot } from './quotient.ts';

export interface AdamSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly eps: number;
}

/** `m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2; p -= lr / bc1 * m / (sqrt(v) / sqrt(bc2) + eps)`. */
const updateWith =
  ({ beta1, beta2, eps }: AdamSettings) =>
  ({ parameter, gradient, slot, scalar }: UpdateOperands) => {
    const mean = plus(times(slot('exp_avg'), beta1), times(gradient, 1 - beta1));
    const meanSquare = plus(times(slot('exp_avg_sq'), beta2), times(square(gradient), 1 - beta2));
    const root = over(rootOf(meanSquare), rootOf(scalar('biasCorrection2')));
    const rate = over(scalar('lr'), scalar('biasCorrection1'));
    return {
      parameter: minus(parameter, times(rate, overRoot(mean, root, eps))),
      slots: { exp_avg: mean, exp_avg_sq: meanSquare },
    };
  };

/** A decay given to the optimizer is L2 in Adam and decoupled in AdamW; as a regularizer it is decoupled in both. */
const adamFamily =
  (name: 'adam' | 'adamw', ownDecay: Optimizer['ownDecay']) =>
  (settings: AdamSettings): Optimizer => {
    if (settings.beta1 >= 1 || settings.beta2 >= 1) {
      const wrong = settings.beta1 >= 1 ? 'beta1' : 'beta2';
      throw new TrainingFault('optimizer', `the betas of ${name} must be less than 1`, undefined, wrong);
    }
    return {
      name,
      slots: ['exp_avg', 'exp_avg_sq'],
      scalars: [
        learningRate,
        { input: 'biasCorrection1', kind: 'biasCorrection', beta: settings.beta1 },
        { input: 'biasCorrection2', kind: 'biasCorrection', beta: settings.beta2 },
      ],
      ownDecay,
      regularizerDecay: 'decoupled',
      update: updateWith(settings),
    };
  };

export const adam = adamFamily('adam', 'l2');
export const adamw = adamFamily('adamw', 'decoupled');
