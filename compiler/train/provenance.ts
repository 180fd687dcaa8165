/** Says of the nodes that training adds to a model where they came from, for messages, profiles and traces. */
import { makeGraph, topologicalOrder, type Node, type Origin } from '../ir/node.ts';
import { withInputs } from '../ir/rewrite.ts';

/** The part of a training program that a node belongs to; it stands where layers have their path. */
export type Part = 'loss' | 'optimizer';

export const originOf = (path: string): Origin => ({ spans: [], path, passes: [] });

/**
 * What the nodes below the roots become: those without an origin get the part as their path. Leaves stay as they are.
 */
export function attribution(roots: readonly Node[], part: Part): (node: Node) => Node {
  const mapped = new Map<Node, Node>();
  const of = (node: Node): Node => mapped.get(node) ?? node;
  for (const node of topologicalOrder(makeGraph({}, new Map(roots.map((root) => [root, root]))))) {
    const made = withInputs(node, node.inputs.map(of));
    const isBare = made.origin === undefined && made.inputs.length > 0;
    mapped.set(node, isBare ? { ...made, origin: originOf(part) } : made);
  }
  return of;
}
