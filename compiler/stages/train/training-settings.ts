/** The settings of a train directive as the builder of the training step takes them. */
import type { Setting, Settings } from '../../analyze/directive-values.ts';
import type { Recomputation } from '../../compile/fit-memory.ts';
import type { Clip } from '../../train/clip.ts';
import type { LossTerm } from '../../train/losses/index.ts';
import type { OptimizerSettings } from '../../train/optimizers/index.ts';
import type { Regularizer } from '../../train/regularize.ts';
import { boolOf, callOf, numberOf, numbersOf, type CallSetting } from '../run/settings.ts';

const argument = (call: CallSetting | undefined, key: string, fallback: number): number =>
  numberOf(call?.args.get(key)) ?? fallback;

export function optimizerOf(call: CallSetting): OptimizerSettings {
  const weightDecay = argument(call, 'weight_decay', call.name === 'adamw' ? 0.01 : 0);
  const betas = (second: number) => ({
    beta1: argument(call, 'beta1', 0.9),
    beta2: argument(call, 'beta2', second),
  });
  switch (call.name) {
    case 'sgd':
      return {
        name: 'sgd',
        momentum: argument(call, 'momentum', 0),
        dampening: argument(call, 'dampening', 0),
        nesterov: boolOf(call.args.get('nesterov')) ?? false,
        weightDecay,
      };
    case 'adam':
    case 'adamw':
      return { name: call.name, ...betas(0.999), eps: argument(call, 'eps', 1e-8), weightDecay };
    case 'rmsprop':
      return {
        name: 'rmsprop',
        alpha: argument(call, 'alpha', 0.99),
        eps: argument(call, 'eps', 1e-8),
        momentum: argument(call, 'momentum', 0),
        centered: boolOf(call.args.get('centered')) ?? false,
        weightDecay,
      };
    case 'lion':
      return { name: 'lion', ...betas(0.99), weightDecay };
    default:
      throw new RangeError(`the optimizer ${call.name} passed the checks, but is none`);
  }
}

export const lossOf = (setting: Setting | undefined): LossTerm[] =>
  setting?.kind === 'sum' ? setting.terms.map(({ weight, loss }) => termOf(weight, callOf(loss))) : [];

function termOf(factor: number, call: CallSetting | undefined): LossTerm {
  const ignore = numberOf(call?.args.get('ignore'));
  switch (call?.name) {
    case 'cross_entropy': {
      const classWeights = numbersOf(call.args.get('class_weights'));
      const labelSmoothing = argument(call, 'label_smoothing', 0);
      return { name: 'cross_entropy', factor, options: { labelSmoothing, ignore, classWeights } };
    }
    case 'dice':
      return { name: 'dice', factor, options: { smooth: argument(call, 'smooth', 1), ignore } };
    case 'huber':
      return { name: 'huber', factor, options: { delta: argument(call, 'delta', 1) } };
    case 'bce':
      return { name: 'bce', factor, options: { posWeight: argument(call, 'pos_weight', 1) } };
    case 'mse':
    case 'l1':
    case 'kl_div':
      return { name: call.name, factor, options: {} };
    default:
      throw new RangeError(`the loss ${call?.name ?? ''} passed the checks, but is none`);
  }
}

export function regularizersOf(settings: Settings): Regularizer[] {
  const call = callOf(settings.get('regularize'));
  const kind = call?.name;
  if (!call || (kind !== 'l1' && kind !== 'l2' && kind !== 'weight_decay')) return [];
  const except = call.args.get('except');
  const globs = except?.kind === 'list' ? except.elements : [];
  const patterns = globs.flatMap((each) => (each.kind === 'string' || each.kind === 'name' ? [each.value] : []));
  return [{ kind, value: argument(call, 'value', 0), except: patterns }];
}

export function clipOf(settings: Settings): Clip | undefined {
  const call = callOf(settings.get('clip'));
  if (call?.name !== 'norm' && call?.name !== 'value') return undefined;
  return { kind: call.name, value: argument(call, 'value', 0) };
}

export function recomputationOf(settings: Settings): Recomputation | undefined {
  const call = callOf(settings.get('recompute'));
  switch (call?.name) {
    case 'auto':
      return { kind: 'auto' };
    case 'segments':
      return { kind: 'segments', count: argument(call, 'count', 2) };
    case 'memory':
      return { kind: 'memory', bytes: argument(call, 'limit', 0) };
    default:
      return undefined;
  }
}
