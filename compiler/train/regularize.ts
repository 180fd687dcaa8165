/** Regularizers: which parameters they hold down, and by how much. */
import type { Node } from '../ir/node.ts';
import { plus, signOf, times } from './expressions.ts';
import type { Optimizer } from './optimizers/optimizer.ts';

/**
 * `l1` and `l2` are terms of the loss, `value |p|` and `value / 2 p^2`: their gradients are clipped with the rest.
 * `weight_decay` is the optimizer's own, as `weight_decay` in torch.optim, and is not clipped.
 */
export interface Regularizer {
  readonly kind: 'l1' | 'l2' | 'weight_decay';
  readonly value: number;
  /**
   * Parameters left out: the words `bias` (of convolutions and linear layers) and `bn` (gamma and beta of every
   * normalisation), or globs over names, in which `*` is any text; a glob also takes the parameters below a path.
   */
  readonly except: readonly string[];
}

/** What a trainable parameter is to the layer that reads it. */
export type ParameterRole = 'weight' | 'bias' | 'norm';

/** How one parameter is held down; equal ones share a vector. */
export interface Restraint {
  readonly l1: number;
  readonly l2: number;
  /** Weight decay as a term of the clipped gradient. */
  readonly decay: number;
  /** Weight decay as a factor `1 - lr decay` of the parameter. */
  readonly decoupled: number;
}

export function roleOf(parameter: Node, users: readonly Node[]): ParameterRole {
  if (users.some(({ op, inputs }) => op.traits?.kind === 'layer' && inputs[2] === parameter)) return 'bias';
  return users.some(({ op, inputs }) => op.traits?.kind === 'norm' && inputs.indexOf(parameter) > 0)
    ? 'norm'
    : 'weight';
}

/** Whether a pattern of `except` takes the parameter. */
export function isExcepted(pattern: string, name: string, role: ParameterRole): boolean {
  if (pattern === 'bias' || pattern === 'bn') return role === (pattern === 'bias' ? 'bias' : 'norm');
  const glob = pattern.split('*').map((text) => text.replaceAll(/[^\w]/g, '\\$&'));
  return new RegExp(`^${glob.join('.*')}(\\.|$)`).test(name);
}

/** What holds a parameter down, from all regularizers and the optimizer's own weight decay. */
export function restraintOf(
  name: string,
  role: ParameterRole,
  regularizers: readonly Regularizer[],
  optimizer: Pick<Optimizer, 'ownDecay' | 'regularizerDecay'>,
  ownDecay: number,
): Restraint {
  const applied = regularizers.filter(({ except }) => !except.some((pattern) => isExcepted(pattern, name, role)));
  const sumOf = (kind: Regularizer['kind']): number =>
    applied.reduce((sum, each) => sum + (each.kind === kind ? each.value : 0), 0);
  const decayAs = (form: Optimizer['ownDecay']): number =>
    (optimizer.ownDecay === form ? ownDecay : 0) + (optimizer.regularizerDecay === form ? sumOf('weight_decay') : 0);
  return { l1: sumOf('l1'), l2: sumOf('l2'), decay: decayAs('l2'), decoupled: decayAs('decoupled') };
}

/** The gradient of the loss with its `l1` and `l2` terms. */
export function penalised(gradient: Node, parameter: Node, { l1, l2 }: Restraint): Node {
  const withL2 = l2 === 0 ? gradient : plus(gradient, times(parameter, l2));
  return l1 === 0 ? withL2 : plus(withL2, times(signOf(parameter), l1));
}
