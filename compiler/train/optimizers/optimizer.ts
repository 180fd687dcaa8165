/** What an optimizer is: the next value of a flat vector of parameters from its gradient and the optimizer's slots. */
import type { Node } from '../../ir/node.ts';

/** A host-side number that enters the step as an `f32[1, 1]` input (`rng`: `f32[1, 4]`); `Scalar` of a recipe. */
export type HostScalar =
  | { readonly input: string; readonly kind: 'lr' }
  | { readonly input: string; readonly kind: 'momentum' }
  | { readonly input: string; readonly kind: 'rng' }
  /** `1 - beta^t` at step t, counted from one. */
  | { readonly input: string; readonly kind: 'biasCorrection'; readonly beta: number }
  /** `1 / (1 + decay (t - 1))` at step t, counted from one. */
  | { readonly input: string; readonly kind: 'inverseTime'; readonly decay: number };

/** All vectors are `[1, T]`; padding lanes hold zero in all of them, and an update must keep that. */
export interface UpdateOperands {
  readonly parameter: Node;
  readonly gradient: Node;
  /** By slot name. */
  readonly slot: (name: string) => Node;
  /** By input name. */
  readonly scalar: (input: string) => Node;
}

export interface Updated {
  readonly parameter: Node;
  /** The next value of every slot. */
  readonly slots: Readonly<Record<string, Node>>;
}

export interface Optimizer {
  readonly name: string;
  /** Vectors of state beside the parameters, all zero at first. */
  readonly slots: readonly string[];
  readonly scalars: readonly HostScalar[];
  /** What its own `weight_decay` is: a term of the gradient, or a shrinking of the weights before the update. */
  readonly ownDecay: 'l2' | 'decoupled';
  /** What the regularizer `weight_decay(...)` is. */
  readonly regularizerDecay: 'l2' | 'decoupled';
  readonly update: (operands: UpdateOperands) => Updated;
}

export const learningRate: HostScalar = { input: 'lr', kind: 'lr' };
export const cycledMomentum: HostScalar = { input: 'momentum', kind: 'momentum' };
