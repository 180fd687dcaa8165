/** Reading and making constant nodes inside passes. */
import { isConstant, type ConstantAttrs } from '../ir/leaves.ts';
import { makeNode, type Node, type Origin } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import { constant } from '../ops/index.ts';

/** A constant whose f32 data is rounded to float32, once. */
export function constantNode(tensor: Tensor, name = '', origin?: Origin): Node<ConstantAttrs> {
  const isWide = tensor.dtype === 'f32' && !(tensor.data instanceof Float32Array);
  return makeNode(
    constant,
    [],
    { tensor: isWide ? { ...tensor, data: new Float32Array(tensor.data) } : tensor, name },
    origin,
  );
}

/** Whether a node is a constant with every element equal to `value`. */
export const isFilledWith = (node: Node | undefined, value: number): boolean =>
  node !== undefined && isConstant(node) && node.attrs.tensor.data.every((element) => element === value);
