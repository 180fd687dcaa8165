/** Reads a node as an anchor (the op with a loop nest) with an optional gate in front and a tail of scalar ops. */
import { isConstant, isInput } from '../ir/leaves.ts';
import { topologicalOrder, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { fused, mul } from '../ops/index.ts';

/** Elementwise work after (or without) an anchor; values are nodes of the fused body. */
export interface Tail {
  /** Scalar ops in evaluation order. */
  readonly steps: readonly Node[];
  /** The value that the anchor hands over; undefined in purely elementwise groups. */
  readonly start: Node | undefined;
  readonly result: Node;
  /** Operand index of each body input, and the operand itself where it is a constant. */
  readonly operandOf: ReadonlyMap<Node, number>;
}

export interface Group {
  /** The anchor with the op's own attributes and types; its inputs are body nodes in a fused group. */
  readonly anchor: Node;
  /** Operand indices of the anchor's inputs. */
  readonly operands: readonly number[];
  /** Operand that scales the anchor's data, `[N, C, 1, 1]`. */
  readonly gate: number | undefined;
  readonly tail: Tail;
}

const isScalar = (node: Node): boolean => node.op.scalar !== undefined;

/** The group of a node whose anchor is one of the named ops; undefined where the node has another form. */
export function readGroup(node: Node, anchors: readonly string[]): Group | undefined {
  if (anchors.includes(node.op.name)) {
    const tail: Tail = { steps: [], start: node, result: node, operandOf: new Map() };
    return { anchor: node, operands: node.inputs.map((_, index) => index), gate: undefined, tail };
  }
  if (!isOp(node, fused)) return undefined;
  const result = node.attrs.body.outputs['result'];
  const order = topologicalOrder(node.attrs.body);
  const anchor = order.find((inner) => anchors.includes(inner.op.name));
  if (!anchor || !result) return undefined;
  const operandOf = operandIndices(order);
  const data = anchor.inputs[0];
  const scaled = data && isOp(data, mul) ? data : undefined;
  const operands = anchor.inputs.map((input, index) =>
    operandOf.get(index === 0 && scaled ? (scaled.inputs[0] ?? input) : input),
  );
  const gate = scaled ? operandOf.get(scaled.inputs[1] ?? scaled) : undefined;
  if (operands.includes(undefined) || (scaled && gate === undefined)) return undefined;
  const steps = order.filter((inner) => isScalar(inner) && inner !== scaled);
  if (order.length !== steps.length + order.filter(isLeaf).length + (scaled ? 2 : 1)) return undefined;
  return {
    anchor,
    operands: operands.filter((index) => index !== undefined),
    gate,
    tail: { steps, start: anchor, result, operandOf },
  };
}

const isLeaf = (node: Node): boolean => isInput(node) || isConstant(node);

function operandIndices(order: readonly Node[]): Map<Node, number> {
  const operandOf = new Map<Node, number>();
  for (const inner of order) if (isInput(inner)) operandOf.set(inner, inner.attrs.index);
  return operandOf;
}

/** The tail of a purely elementwise node: a scalar op, or a fused body of scalar ops; else undefined. */
export function readElementwise(node: Node): Tail | undefined {
  if (isScalar(node)) {
    const operandOf = new Map(node.inputs.map((input, index) => [input, index]));
    return { steps: [node], start: undefined, result: node, operandOf };
  }
  if (!isOp(node, fused)) return undefined;
  const result = node.attrs.body.outputs['result'];
  const order = topologicalOrder(node.attrs.body);
  if (!result || !order.every((inner) => isLeaf(inner) || isScalar(inner))) return undefined;
  return { steps: order.filter(isScalar), start: undefined, result, operandOf: operandIndices(order) };
}
