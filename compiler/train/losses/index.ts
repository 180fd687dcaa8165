/** The losses of the language by name, and weighted sums of them. */
import type { Node } from '../../ir/node.ts';
import { plus, times } from '../expressions.ts';
import { TrainingFault } from '../training-fault.ts';
import { binaryCrossEntropy, type BinaryCrossEntropyOptions } from './binary-cross-entropy.ts';
import { crossEntropy, type CrossEntropyOptions } from './cross-entropy.ts';
import { dice, type DiceOptions } from './dice.ts';
import { klDivergence } from './kl-divergence.ts';
import { meanOf, type LossValue, type Target } from './loss.ts';
import { huber, meanAbsoluteError, meanSquaredError, type HuberOptions } from './regression.ts';

type NoOptions = Readonly<Record<never, never>>;

export interface LossOptions {
  readonly cross_entropy: CrossEntropyOptions;
  readonly dice: DiceOptions;
  readonly mse: NoOptions;
  readonly l1: NoOptions;
  readonly huber: HuberOptions;
  readonly bce: BinaryCrossEntropyOptions;
  readonly kl_div: NoOptions;
}

export type LossName = keyof LossOptions;

export const losses: {
  readonly [K in LossName]: (scores: Node, target: Target, options: LossOptions[K]) => LossValue;
} = {
  cross_entropy: crossEntropy,
  dice,
  mse: meanSquaredError,
  l1: meanAbsoluteError,
  huber,
  bce: binaryCrossEntropy,
  kl_div: klDivergence,
};

/** `factor * name(options)`. */
export type LossTerm<K extends LossName = LossName> = {
  readonly [N in K]: { readonly name: N; readonly factor: number; readonly options: LossOptions[N] };
}[K];

const lossOf = <K extends LossName>(scores: Node, target: Target, term: LossTerm<K>): LossValue =>
  losses[term.name](scores, target, term.options);

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
