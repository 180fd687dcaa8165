/** Values of a network by the parameter scope that computes them, such as the feature map that `layer2` gives. */
import { isConstant, isInput, isParameter } from '../ir/leaves.ts';
import { rootsOf, topologicalOrder, usersOf, type Graph, type Node } from '../ir/node.ts';

const isLeaf = (node: Node): boolean => isParameter(node) || isConstant(node) || isInput(node);

const isWithin = (scope: string, node: Node): boolean => {
  const path = node.origin?.path ?? '';
  return !isLeaf(node) && (path === scope || path.startsWith(`${scope}.`));
};

/**
 * What a scope hands on: the value computed inside of it that something outside reads, or that is an output. Throws a
 * RangeError, a sentence about the scope, where there is none or more than one.
 */
export function valueOfScope(graph: Graph, scope: string): Node {
  const users = usersOf(graph);
  const roots = new Set(rootsOf(graph));
  const inside = topologicalOrder(graph).filter((node) => isWithin(scope, node));
  const leaving = inside.filter(
    (node) => roots.has(node) || (users.get(node) ?? []).some((user) => !isWithin(scope, user)),
  );
  const [only] = leaving;
  if (only && leaving.length === 1) return only;
  throw new RangeError(
    inside.length === 0 ? `nothing is computed under \`${scope}\`` : `${leaving.length} values leave \`${scope}\``,
  );
}
