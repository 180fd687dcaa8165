/** Gradient clipping, as torch.nn.utils.clip_grad_norm_ and clip_grad_value_. */
import type { Node } from '../ir/node.ts';
import { clamped, over, plus, rootOf, smallerOf, square, times, total } from './expressions.ts';

export interface Clip {
  /** `norm`: of all gradients together; `value`: of each element. */
  readonly kind: 'norm' | 'value';
  readonly value: number;
}

/** The L2 norm of all gradients together, `[1, 1]`. */
export function globalNorm(gradients: readonly Node[]): Node {
  const [first, ...rest] = gradients.map((gradient) => total(square(gradient)));
  if (!first) throw new RangeError('there are no gradients to take the norm of');
  return rootOf(rest.reduce((sum, each) => plus(sum, each), first));
}

/** By the norm: `g min(1, max / (norm + 1e-6))`. */
export function clipped(gradient: Node, norm: Node, clip: Clip | undefined): Node {
  if (!clip) return gradient;
  if (clip.kind === 'value') return clamped(gradient, -clip.value, clip.value);
  return times(gradient, smallerOf(over(clip.value, plus(norm, 1e-6)), 1));
}
