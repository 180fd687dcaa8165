/** `fused`: a body graph that one kernel computes; its attribute is the body, so every property follows from it. */
import { addDims, type Dim } from '../ir/dim.ts';
import { evaluateNode } from '../ir/evaluate.ts';
import { isInput } from '../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { OpError, type Op } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { bodyResult, type FusedAttrs } from './rules/body.ts';
import { fusedSamples } from './rules/fused-samples.ts';

export { bodyInput, bodyInputs, bodyResult, operandKind } from './rules/body.ts';
export type { FusedAttrs } from './rules/body.ts';

/** Replays the body's shape rules on operand types; visits every node with the types of its inputs. */
function replay(
  operands: readonly TensorType[],
  body: Graph,
  visit?: (node: Node, inputs: readonly TensorType[], result: TensorType) => void,
): TensorType {
  const types = new Map<Node, TensorType>();
  for (const node of topologicalOrder(body)) {
    const inputs = node.inputs.map((operand) => types.get(operand) ?? operand.type);
    const type = isInput(node) ? operands[node.attrs.index] : node.op.infer(inputs, node.attrs);
    if (!type) throw new OpError('E0314', `the body of a fused node reads more than ${operands.length} operands`);
    if (type.dtype !== node.type.dtype || type.shape.length !== node.type.shape.length) {
      throw new OpError('E0302', `the body of a fused node expects ${formatType(node.type)}, not ${formatType(type)}`);
    }
    types.set(node, type);
    visit?.(node, inputs, type);
  }
  const result = bodyResult(body);
  return types.get(result) ?? result.type;
}

// The interpreter binds the symbols of a body before, so the operands alone determine every value.
function evaluateBody(tensors: readonly Tensor[], body: Graph): Tensor {
  const values = new Map<Node, Tensor>();
  const valueOf = (node: Node): Tensor => {
    const value = values.get(node);
    if (!value) throw new RangeError(`${node.op.name} in the body of a fused node has no value`);
    return value;
  };
  for (const node of topologicalOrder(body)) {
    const given = isInput(node) ? tensors[node.attrs.index] : undefined;
    values.set(node, given ?? evaluateNode(node, node.inputs.map(valueOf)));
  }
  return valueOf(bodyResult(body));
}

export const fused: Op<FusedAttrs> = {
  name: 'fused',
  summary: 'a body graph that one kernel computes',
  operands: ['values...'],
  infer: (inputs, { body }) => replay(inputs, body),
  evaluate: (tensors, { body }) => evaluateBody(tensors, body),
  macs: (inputs, _result, { body }) => {
    let sum: Dim = 0;
    replay(inputs, body, (node, types, type) => {
      sum = addDims(sum, node.op.macs?.(types, type, node.attrs) ?? 0);
    });
    return sum;
  },
  samples: fusedSamples,
};
