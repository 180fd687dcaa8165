/** `cross_entropy`: the negative log likelihood of softmax, as torch.nn.functional.cross_entropy. */
import { makeNode, type Node } from '../../ir/node.ts';
import { logSoftmax } from '../../ops/index.ts';
import { minus, plus, sizesOf, tensorOf, times, total } from '../expressions.ts';
import { TrainingFault } from '../training-fault.ts';
import { channelsOf, countedOf, expectedOf, type LossValue, type Target } from './loss.ts';

export interface CrossEntropyOptions {
  /** Weight of the uniform distribution (Szegedy et al. 2016). */
  readonly labelSmoothing: number;
  /** Class that counts for nothing; that of the dataset unless told. */
  readonly ignore?: number | undefined;
  readonly classWeights?: readonly number[] | undefined;
}

function classFactors(scores: Node, weights: readonly number[] | undefined): Node | undefined {
  if (!weights) return undefined;
  const classes = channelsOf(scores);
  if (weights.length !== classes) {
    const message = `${weights.length} class weights do not fit ${classes} classes`;
    throw new TrainingFault('loss', message, 'give one for each class', 'class_weights');
  }
  return tensorOf(
    [
      1,
      classes,
      ...sizesOf(scores)
        .slice(2)
        .map(() => 1),
    ],
    weights,
  );
}

/**
 * With targets y, class weights w, smoothing e and C classes: the sum of
 * `-w_y (1 - e) log p_y - e / C sum_c w_c log p_c` over the sum of `w_y`; for dense targets over their number.
 */
export function crossEntropy(scores: Node, given: Target, options: CrossEntropyOptions): LossValue {
  if (channelsOf(scores) === 1) {
    const message = 'cross_entropy needs a score for each class, and the model has one';
    throw new TrainingFault('loss', message, 'write `bce()`, or give the model two scores');
  }
  const target = given.kind === 'dense' ? given : { ...given, ignore: options.ignore ?? given.ignore };
  const { labelSmoothing: smoothing } = options;
  const counted = countedOf(scores, target);
  const masked = (x: Node): Node => (smoothing === 0 && isZeroOutside(scores, target) ? x : times(x, counted));
  const expected = expectedOf(scores, target);
  const factors = classFactors(scores, options.classWeights);
  const smooth = smoothing === 0 ? expected : plus(times(expected, 1 - smoothing), smoothing / channelsOf(scores));
  const wanted = masked(factors ? times(smooth, factors) : smooth);
  const logLikelihood = times(makeNode(logSoftmax, [scores], { axis: 1 }), wanted);
  const weights = factors && target.kind === 'labels' ? masked(times(expected, factors)) : counted;
  // Not its negation, which would show as -0 where nothing counts.
  return { sum: minus(0, total(logLikelihood)), weight: total(weights) };
}

/** Whether one-hot labels are zero already where nothing counts, so that a map of scores need not be masked. */
const isZeroOutside = (scores: Node, target: Target): boolean =>
  target.kind === 'labels' &&
  target.valid === undefined &&
  (target.ignore === undefined || target.ignore < 0 || target.ignore >= channelsOf(scores));
