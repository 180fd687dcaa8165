/** The losses of the language by name, and weighted sums of them. */
import type { Node } from '../../ir/node.ts';
import { plus, times } from '../expressions.ts';
import { TrainingFault } from '../training-fault.ts';
import { binaryCrossEntropy } from './binary-cross-entropy.ts';
import { crossEntropy } from './cross-entropy.ts';
import { dice } from './dice.ts';
import { klDivergence } from './kl-divergence.ts';
import { meanOf, type LossValue, type Target } from './loss.ts';
import { huber, meanAbsoluteError, meanSquaredError } from './regression.ts';

export const losses = {
  cross_entropy: crossEntropy,
  dice,
  mse: meanSquaredError,
  l1: meanAbsoluteError,
  huber,
  bce: binaryCrossEntropy,
  kl_div: klDivergence,
};
export type LossName = keyof typeof losses;

/** What the losses of a name take beside scores and target. */
type Options<N extends LossName> = Parameters<(typeof losses)[N]> extends [unknown, unknown, infer O] ? O : unknown;

/** `factor * kind(...)`. */
export type LossTerm<K extends LossName = LossName> = {
  [N in K]: { readonly kind: N; readonly factor: number } & Options<N>;
}[K];

const byName: { readonly [N in LossName]: (scores: Node, target: Target, term: LossTerm<N>) => LossValue } = losses;

const lossOf = <K extends LossName>(scores: Node, target: Target, term: LossTerm<K>): LossValue =>
  byName[term.kind](scores, target, term);

/** Both `[1, 1]`. */
export interface TotalLoss {
  readonly mean: Node;
  /**
   * How much counts. Means of batches weighted by it give the mean of the set, exactly where the loss is one term or
   * its terms count alike; else the weight is that of the first term.
   */
  readonly weight: Node;
}

/** A weighted sum of losses, each the mean over what counts in it. */
export function weightedSum(scores: Node, target: Target, terms: readonly LossTerm[]): TotalLoss {
  const values = terms.map((term) => ({ factor: term.factor, value: lossOf(scores, target, term) }));
  const [first, ...rest] = values;
  if (!first) throw new TrainingFault('loss', 'a loss needs at least one term', 'write `loss = cross_entropy()`');
  const scaled = ({ factor, value }: typeof first): Node =>
    factor === 1 ? meanOf(value) : times(meanOf(value), factor);
  return {
    mean: rest.reduce((sum, each) => plus(sum, scaled(each)), scaled(first)),
    weight: first.value.weight,
  };
}
