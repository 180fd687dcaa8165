/** `fused`: a body graph that one kernel computes; its attribute is the body, so every property follows from it. */
import { addDims, shapesEqual, type Dim } from '../ir/dim.ts';
import { evaluateNode } from '../ir/evaluate.ts';
import { isInput } from '../ir/leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { OpError, type Op, type Sample, type SampleInput } from '../ir/op.ts';
import { formatType, type Tensor, type TensorType } from '../ir/type.ts';
import { add } from './add.ts';
import { input } from './input.ts';
import { mul } from './mul.ts';
import { relu } from './relu.ts';

/** The body has one output, `result`; its `input` nodes stand for the operands by `index`. */
export type FusedAttrs = { readonly body: Graph };

/**
 * How an operand lies over a result of the same rank: all of it; one value; one value a channel (axis 1); or one value
 * a channel of each image, as the gate of squeeze-and-excitation. Fusion takes no other broadcast.
 */
export type OperandKind = 'same' | 'scalar' | 'channel' | 'gate';

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
    if (!type) throw new OpError('E0314', `fused has no operand ${String(node.attrs['index'])} that its body reads`);
    if (type.dtype !== node.type.dtype || type.shape.length !== node.type.shape.length) {
      throw new OpError('E0302', `the body of a fused node expects ${formatType(node.type)}, not ${formatType(type)}`);
    }
    types.set(node, type);
    visit?.(node, inputs, type);
  }
  const result = bodyResult(body);
  return types.get(result) ?? result.type;
}

// A body has no attribute that depends on a symbol, so the operands alone determine every value.
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

/** `bodyInput(0, type)`, `bodyInput(1, type)`, ...: the leaves of a body. */
export const bodyInput = (index: number, type: TensorType): Node =>
  makeNode(input, [], { name: `arg${index}`, index, dtype: type.dtype, shape: type.shape });

function sampleOf(
  name: string,
  inputs: readonly SampleInput[],
  build: (args: readonly Node[]) => Node,
): Sample<FusedAttrs> {
  const args = inputs.map(({ shape }, index) => bodyInput(index, { dtype: 'f32', shape }));
  return { name, inputs, attrs: { body: makeGraph({ result: build(args) }) } };
}

const chain = (args: readonly Node[]): Node => {
  const [x, shift, gate] = args;
  if (!x || !shift || !gate) throw new RangeError('the sample has three operands');
  return makeNode(mul, [makeNode(relu, [makeNode(add, [x, shift], {})], {}), gate], {});
};

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
  samples: [
    sampleOf('elementwise same', [{ shape: [2, 5, 3, 4] }, { shape: [2, 5, 3, 4] }, { shape: [2, 5, 3, 4] }], chain),
    sampleOf(
      'elementwise broadcast',
      [{ shape: [2, 6, 3, 4] }, { shape: [1, 6, 1, 1], constant: true }, { shape: [2, 6, 1, 1] }],
      chain,
    ),
  ],
};
