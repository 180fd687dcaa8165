/** The body of a fused node: its leaves, its result, and how operands lie over it. */
import { shapesEqual, type Dim } from '../../ir/dim.ts';
import { isInput } from '../../ir/leaves.ts';
import { makeNode, topologicalOrder, type Graph, type Node } from '../../ir/node.ts';
import { OpError } from '../../ir/op.ts';
import type { TensorType } from '../../ir/type.ts';
import { input } from '../input.ts';

/** The body has one output, `result`; its `input` nodes stand for the operands by `index`. */
export type FusedAttrs = { readonly body: Graph };

/**
 * How an operand lies over a result of the same rank: all of it; one value; one value a channel (axis 1); one value a
 * channel of each image, as the gate of squeeze-and-excitation; or one value a pixel (or row of a matrix) for all
 * channels, as in the gradient of softmax. Fusion takes no other broadcast.
 */
export type OperandKind = 'same' | 'scalar' | 'channel' | 'gate' | 'pixel';

/** The kind of an operand, the first of the list where several hold; undefined for another rank or broadcast. */
export function operandKind(operand: readonly Dim[], result: readonly Dim[]): OperandKind | undefined {
  if (operand.length !== result.length) return undefined;
  const stretches = operand.map((size, axis) => size === 1 && result[axis] !== 1);
  if (
    !shapesEqual(
      operand,
      result.map((size, axis) => (stretches[axis] ? 1 : size)),
    )
  )
    return undefined;
  if (!stretches.includes(true)) return 'same';
  if (operand.every((size) => size === 1)) return 'scalar';
  const [image, channel, ...rest] = operand;
  if (stretches.every((stretched, axis) => stretched === (axis === 1))) return 'pixel';
  if (channel === 1 || rest.some((size) => size !== 1)) return undefined;
  return image === 1 ? 'channel' : 'gate';
}

/** The body's one result. */
export function bodyResult(body: Graph): Node {
  const result = body.outputs['result'];
  if (!result) throw new OpError('E0310', 'the body of a fused node has no result');
  return result;
}

/** The `input` node of each operand, by index; undefined where the body does not read it. */
export function bodyInputs(body: Graph): readonly (Node | undefined)[] {
  const inputs: (Node | undefined)[] = [];
  for (const node of topologicalOrder(body)) if (isInput(node)) inputs[node.attrs.index] = node;
  return Array.from(inputs);
}

/** `bodyInput(0, type)`, `bodyInput(1, type)`, ...: the leaves of a body. */
export const bodyInput = (index: number, type: TensorType): Node =>
  makeNode(input, [], { name: `arg${index}`, index, dtype: type.dtype, shape: type.shape });
