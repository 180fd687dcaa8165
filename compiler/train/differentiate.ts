/**
 * Reverse-mode differentiation of a graph (Speelpenning 1980; Griewank and Walther 2008): a walk from the loss back to
 * its operands, one rule an op, contributions summed.
 */
import { productOf, shapesEqual } from '../ir/dim.ts';
import { makeGraph, makeNode, topologicalOrder, type Node } from '../ir/node.ts';
import { mergeOrigins, stamp } from '../ir/rewrite.ts';
import { formatType } from '../ir/type.ts';
import { add } from '../ops/index.ts';
import { filled, sizesOf } from './expressions.ts';
import { gradients, notDifferentiable } from './gradients/index.ts';

const pass = 'differentiate';

/** The nodes of an order (operands first) that are in `wrt` or are computed from one. */
function dependants(order: readonly Node[], wrt: ReadonlySet<Node>): Set<Node> {
  const found = new Set<Node>();
  for (const node of order) {
    if (wrt.has(node) || node.inputs.some((input) => found.has(input))) found.add(node);
  }
  return found;
}

function contributionsOf(node: Node, gradient: Node): readonly (Node | undefined)[] {
  const rule = gradients.get(node.op.name);
  if (rule) return rule(node, gradient);
  throw new TypeError(`${node.op.name} has no gradient: ${notDifferentiable.get(node.op.name) ?? 'it has no rule'}`);
}

/** The contribution to one operand, which a rule must give in the operand's shape. */
function checkShape(contribution: Node, operand: Node, user: Node): void {
  if (shapesEqual(contribution.type.shape, operand.type.shape)) return;
  const types = `${formatType(contribution.type)} for an operand ${formatType(operand.type)}`;
  throw new TypeError(`the gradient rule of ${user.op.name} gives ${types}`);
}

const filledLike = (node: Node, value: number): Node => filled(sizesOf(node), value);

/**
 * The gradient of a loss by each of the given nodes, in their shapes; zeros where the loss does not depend on one.
 * Only nodes between the two are visited. Gradients get the origin of the node whose rule made them, with the pass
 * `differentiate`. Throws a TypeError where the loss is no f32 of one element, or an op in between has no gradient.
 */
export function differentiate(loss: Node, wrt: readonly Node[]): ReadonlyMap<Node, Node> {
  if (loss.type.dtype !== 'f32' || productOf(loss.type.shape) !== 1) {
    throw new TypeError(`a loss must be one f32, not ${formatType(loss.type)}`);
  }
  const order = topologicalOrder(makeGraph({ loss }));
  const reached = dependants(order, new Set(wrt));
  const known = new Set(order);
  const found = new Map<Node, Node>();
  const contribute = (operand: Node, contribution: Node): void => {
    const before = found.get(operand);
    const sum = before
      ? makeNode(add, [before, contribution], {}, mergeOrigins([operand.origin ? operand : contribution], pass))
      : contribution;
    known.add(sum);
    found.set(operand, sum);
  };
  const [seed] = stamp([filledLike(loss, 1)], known, loss, pass);
  if (seed) contribute(loss, seed);
  for (const node of order.toReversed()) {
    const gradient = found.get(node);
    if (!gradient || !node.inputs.some((input) => reached.has(input))) continue;
    const contributions = contributionsOf(node, gradient);
    const wanted = node.inputs.flatMap((operand, index) => {
      const contribution = reached.has(operand) ? contributions[index] : undefined;
      return contribution ? [{ operand, contribution }] : [];
    });
    const stamped = stamp(
      wanted.map(({ contribution }) => contribution),
      known,
      node,
      pass,
    );
    for (const [index, { operand, contribution: raw }] of wanted.entries()) {
      const contribution = stamped[index] ?? raw;
      checkShape(contribution, operand, node);
      contribute(operand, contribution);
    }
  }
  return new Map(wrt.map((node) => [node, found.get(node) ?? filledLike(node, 0)]));
}
