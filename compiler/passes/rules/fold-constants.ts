/** Constant folding: a node whose inputs are all constants becomes one, rounded to float32 once. */
import { evaluateNode } from '../../ir/evaluate.ts';
import { isConstant } from '../../ir/leaves.ts';
import type { Visit } from '../../ir/rewrite.ts';
import type { Tensor } from '../../ir/type.ts';
import { constantNode } from '../constants.ts';

/** A visit that folds; chains of folded nodes go on from the float64 value, so only their end is rounded. */
export function foldConstants(): Visit {
  const exact = new WeakMap<Tensor, Tensor>();
  return (node) => {
    if (node.inputs.length === 0 || !node.inputs.every(isConstant)) return undefined;
    if (!node.type.shape.every((size) => typeof size === 'number')) return undefined;
    const value = evaluateNode(
      node,
      node.inputs.flatMap((input) => (isConstant(input) ? (exact.get(input.attrs.tensor) ?? input.attrs.tensor) : [])),
    );
    const folded = constantNode(value, '', node.origin);
    exact.set(folded.attrs.tensor, value);
    return folded;
  };
}
