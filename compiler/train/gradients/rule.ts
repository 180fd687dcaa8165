/** What a gradient rule is, and short forms for writing tables of them. */
import { dimsEqual } from '../../ir/dim.ts';
import type { Node } from '../../ir/node.ts';
import { isOp, type Attrs, type Op } from '../../ir/op.ts';
import type { TensorType } from '../../ir/type.ts';
import { reshaped, sumOver } from '../expressions.ts';

/**
 * The gradient of a scalar by each operand of a node, given its gradient by the node's value; `undefined` for operands
 * on which the value does not depend smoothly. Each has its operand's shape. A rule builds for all operands: what
 * nobody asks for is in no graph.
 */
export type GradientRule = (node: Node, gradient: Node) => readonly (Node | undefined)[];

export type Entry = readonly [op: string, rule: GradientRule];

/** An operand that the op's shape rule has found to be there. */
export function operandOf(node: Node, index: number): Node {
  const operand = node.inputs[index];
  if (!operand) throw new TypeError(`${node.op.name} has no operand ${index + 1}`);
  return operand;
}

/** The rule of one op. */
export function ruleOf<A extends Attrs>(
  op: Op<A>,
  rule: (node: Node<A>, gradient: Node) => readonly (Node | undefined)[],
): Entry {
  return [
    op.name,
    (node, gradient) => {
      if (!isOp(node, op)) throw new TypeError(`the gradient of ${op.name} was asked of ${node.op.name}`);
      return rule(node, gradient);
    },
  ];
}

/** The rule of an op whose first operand alone has a gradient; `x` is that operand. */
export const ruleOfOne = <A extends Attrs>(op: Op<A>, rule: (gradient: Node, node: Node<A>, x: Node) => Node): Entry =>
  ruleOf(op, (node, gradient) => [rule(gradient, node, operandOf(node, 0))]);

/** The gradient of an operand that was broadcast: summed over the axes that repeated it. */
export function unbroadcast(gradient: Node, { shape }: TensorType): Node {
  const lead = gradient.type.shape.length - shape.length;
  const axes = [...gradient.type.shape.keys()].filter((axis) => {
    const size = axis < lead ? 1 : (shape[axis - lead] ?? 1);
    return size === 1 && !dimsEqual(gradient.type.shape[axis] ?? 1, 1);
  });
  return reshaped(sumOver(gradient, axes), shape);
}
