/** Which packed form the kernels of an op read its weight in. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { conv2d } from '../conv2d.ts';
import { convTranspose2d } from '../conv-transpose2d.ts';
import { linear } from '../linear.ts';
import type { PackedForm, PackWeightsAttrs } from '../pack-weights.ts';

/** Attributes of the `packWeights` that goes in front of operand 1; undefined where the op has no packed weight. */
export function packedFormOf(node: Node): PackWeightsAttrs | undefined {
  if (isOp(node, conv2d)) return convolutional(node, node.attrs.groups, 'outputs');
  if (isOp(node, convTranspose2d)) return convolutional(node, node.attrs.groups, 'transposed');
  return isOp(node, linear) ? { form: 'outputs', groups: 1 } : undefined;
}

function convolutional(node: Node, groups: number, form: PackedForm): PackWeightsAttrs {
  const [outer, inner] = node.inputs[1]?.type.shape ?? [];
  return groups > 1 && outer === groups && inner === 1 ? { form: 'depthwise', groups } : { form, groups };
}
