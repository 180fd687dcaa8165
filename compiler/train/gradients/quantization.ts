/** The gradient of rounding to int8, which has none: a straight-through estimator takes its place. */
import type { Node } from '../../ir/node.ts';
import { fakeQuantize } from '../../ops/index.ts';
import { choose, isGreater, minus, over } from '../expressions.ts';
import { operandOf, ruleOf, unbroadcast, type Entry } from './rule.ts';

/**
 * 1 inside the clamp, 0 outside (Bengio et al. 2013; PyTorch): inside are the values within half a step of the range,
 * because those round into it. Scales and zero points are measured, not learned.
 */
function straightThrough(gradient: Node, x: Node, scale: Node, zeroPoint: Node, bounds: readonly [number, number]) {
  const [min, max] = bounds;
  const steps = over(x, scale);
  const below = isGreater(minus(min - 0.5, zeroPoint), steps);
  const above = isGreater(steps, minus(max + 0.5, zeroPoint));
  return choose(below, 0, choose(above, 0, gradient));
}

export const quantization: readonly Entry[] = [
  ruleOf(fakeQuantize, (node, gradient) => {
    const [x, scale, zeroPoint] = [operandOf(node, 0), operandOf(node, 1), operandOf(node, 2)];
    const { min, max } = node.attrs;
    return [unbroadcast(straightThrough(gradient, x, scale, zeroPoint, [min, max]), x.type)];
  }),
];
