/** Masks of pruned weights: where one is 0 its weight is zero, and no gradient reaches it. */
import { elementCount, type Tensor } from '../ir/type.ts';
import type { Node } from '../ir/node.ts';
import { eachStored } from '../ops/rules/storage-order.ts';
import { tensorOf } from './expressions.ts';
import type { StateVector } from './state.ts';

/**
 * The masks of a vector's tensors in its order, as `f32[1, length]`, ones where a tensor has none; undefined where none
 * has. Masked gradients keep masked weights at zero with every optimizer: their slots stay zero, and decay shrinks zero.
 */
export function maskVector(vector: StateVector, masks: ReadonlyMap<string, Tensor> | undefined): Node | undefined {
  if (!masks || !vector.tensors.some(({ name }) => masks.has(name))) return undefined;
  const data = Array.from({ length: vector.length }, () => 1);
  for (const { name, shape, offset } of vector.tensors) {
    const mask = masks.get(name);
    if (!mask) continue;
    if (elementCount(mask.shape) !== elementCount(shape)) throw new RangeError(`the mask of ${name} has another size`);
    eachStored(shape, (index, stored) => (data[offset + stored] = mask.data[index] ?? 0));
  }
  return tensorOf([1, vector.length], data);
}

/** The tensor with zeros where its mask has them. */
export function masked(tensor: Tensor, mask: Tensor | undefined): Tensor {
  if (!mask) return tensor;
  const data = Float64Array.from(tensor.data, (value, index) => (mask.data[index] === 0 ? 0 : value));
  return { ...tensor, data };
}
