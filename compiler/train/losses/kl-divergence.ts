/** `kl_div`: the Kullback-Leibler divergence of softmax from target distributions, as torch.nn.functional.kl_div. */
import { makeNode, type Node } from '../../ir/node.ts';
import { logSoftmax } from '../../ops/index.ts';
import { choose, logarithm, minus, times, total } from '../expressions.ts';
import { countedOf, expectedOf, type LossValue, type Target } from './loss.ts';

/**
 * `sum_c q_c (log q_c - log p_c)` with `0 log 0 = 0`, the mean over samples (PyTorch's `batchmean`) and over the pixels
 * of a mask. Labels are the distributions that are sure of them, for which it equals cross entropy.
 */
export function klDivergence(scores: Node, target: Target): LossValue {
  const counted = countedOf(scores, target);
  const wanted = expectedOf(scores, target);
  const logLikelihood = makeNode(logSoftmax, [scores], { axis: 1 });
  const own = target.kind === 'dense' ? logarithm(choose(wanted, wanted, 1)) : undefined;
  const divergence = times(wanted, own ? minus(own, logLikelihood) : minus(0, logLikelihood));
  return { sum: total(times(divergence, counted)), weight: total(counted) };
}
