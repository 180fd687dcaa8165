/** `sgd`: gradient descent with momentum, in the operations and their order of torch.optim.SGD. */
import type { Node } from '../../ir/node.ts';
import { choose, isGreater, minus, plus, times, type Operand } from '../expressions.ts';
import { TrainingFault } from '../training-fault.ts';
import { cycledMomentum, learningRate, type HostScalar, type Optimizer, type UpdateOperands } from './optimizer.ts';

export interface SgdSettings {
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
}

/** `1 - 0.5^t` is 0.5 at the first step and larger ever after. */
const onset: HostScalar = { input: 'onset', kind: 'biasCorrection', beta: 0.5 };

/**
 * `buf = mu buf + (1 - dampening) g`, and `buf = g` at the first step; `p -= lr buf`, with Nesterov
 * `p -= lr (g + mu buf)`.
 */
export function sgd(settings: SgdSettings, cyclesMomentum: boolean): Optimizer {
  const { momentum, dampening, nesterov } = settings;
  const hasBuffer = momentum !== 0 || cyclesMomentum;
  if (nesterov && (!hasBuffer || dampening !== 0)) {
    const [message, help] = hasBuffer
      ? ['nesterov takes no dampening', 'leave one of the two out']
      : ['nesterov needs a momentum', 'give `momentum=0.9`'];
    throw new TrainingFault('optimizer', message, help, 'nesterov');
  }
  const isDamped = hasBuffer && dampening !== 0;
  const step = ({ parameter, scalar }: UpdateOperands, direction: Node): Node =>
    minus(parameter, times(scalar('lr'), direction));
  const withMomentum = (operands: UpdateOperands) => {
    const { gradient, slot, scalar } = operands;
    const mu: Operand = cyclesMomentum ? scalar(cycledMomentum.input) : momentum;
    const share = isDamped ? choose(isGreater(0.6, scalar(onset.input)), 1, 1 - dampening) : undefined;
    const buffer = plus(times(slot('momentum'), mu), share ? times(gradient, share) : gradient);
    const direction = nesterov ? plus(gradient, times(buffer, mu)) : buffer;
    return { parameter: step(operands, direction), slots: { momentum: buffer } };
  };
  return {
    name: 'sgd',
    slots: hasBuffer ? ['momentum'] : [],
    scalars: [learningRate, ...(cyclesMomentum ? [cycledMomentum] : []), ...(isDamped ? [onset] : [])],
    ownDecay: 'l2',
    regularizerDecay: 'l2',
    update: hasBuffer ? withMomentum : (operands) => ({ parameter: step(operands, operands.gradient), slots: {} }),
  };
}
