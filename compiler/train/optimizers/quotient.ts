/** Dividing by the root mean square of gradients. */
import type { Node } from '../../ir/node.ts';
import { choose, isGreater, over, plus, times } from '../expressions.ts';

/**
 * `a / (root + eps)`. An eps that float32 cannot tell from zero would make 0 / 0 of the padding lanes: there, elements
 * without any gradient stay where they are.
 */
export function overRoot(a: Node, root: Node, eps: number): Node {
  if (Math.fround(eps) > 0) return over(a, plus(root, eps));
  const hasGradient = isGreater(root, 0);
  return times(over(a, choose(hasGradient, root, 1)), hasGradient);
}
