/** The weight operand of a kernel: a constant that is packed at build time, or a value that `packWeights` has packed. */
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { packWeights } from '../../ops/index.ts';
import type { PackWeightsAttrs } from '../../ops/pack-weights.ts';
import { noHalo, type Placement } from '../kernel.ts';
import { packedLength, packWeight } from './pack.ts';
import type { Shader } from './wgsl.ts';

export interface Weight {
  readonly node: Node;
  /** The operand that it is. */
  readonly index: number;
}

const packingOf = (node: Node): PackWeightsAttrs | undefined => (isOp(node, packWeights) ? node.attrs : undefined);

/** An operand as a weight; undefined where it is neither constant nor packed. */
export function readWeight(node: Node | undefined, index: number | undefined): Weight | undefined {
  if (!node || index === undefined) return undefined;
  return isConstant(node) || packingOf(node) ? { node, index } : undefined;
}

/** Whether a kernel that reads this form can read the weight: a constant can be packed in any. */
export function hasForm({ node }: Weight, { form, groups }: PackWeightsAttrs): boolean {
  const packed = packingOf(node);
  return !packed || (packed.form === form && packed.groups === groups);
}

/** The array of a weight in a form that it has. */
export function bindWeight(
  shader: Shader,
  { node, index }: Weight,
  attrs: PackWeightsAttrs,
  element = 'vec4f',
): string {
  return isConstant(node) ? shader.constant(packWeight(node, attrs), element) : shader.operand(index, element);
}

/**
 * Where the value of a `packWeights` lies: a run of vec4 in the order of its form, which is longer than the weight where
 * channels are padded. Undefined for other nodes, whose place follows from their type.
 */
export function packedPlacement(node: Node): Placement | undefined {
  const packing = packingOf(node);
  if (!packing) return undefined;
  const length = packedLength(node.type.shape, packing);
  const [batch, height, width] = [1, 1, 1];
  return {
    element: 'f32',
    batch,
    channels: length * 4,
    height,
    width,
    halo: noHalo,
    channelStride: length,
    channelOffset: 0,
  };
}
