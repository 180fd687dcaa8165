/** Schedules without tuning: one per kernel and form of layer, the cheapest over the whole model. */
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import type { Profile } from '../kernels/kernel.ts';
import { candidates, type Selection } from '../kernels/select.ts';

/**
 * Layers of one form share a schedule, hence a pipeline: on a software adapter creating one takes longer than what the
 * best tile of a single layer can save.
 */
export function fixedSchedules(graph: Graph, profile: Profile): (node: Node) => Selection | undefined {
  const selections = new Map<Node, Selection>();
  const families = new Map<string, Node[]>();
  for (const node of topologicalOrder(graph)) {
    const [first] = candidates(node, profile);
    if (!first) continue;
    selections.set(node, first);
    const form = first.kernel.form?.(node);
    if (form === undefined) continue;
    const key = `${first.kernel.name} ${form}`;
    const family = families.get(key);
    if (family) family.push(node);
    else families.set(key, [node]);
  }
  for (const family of families.values()) {
    const shared = cheapest(family, profile);
    for (const node of family) if (shared) selections.set(node, shared);
  }
  return (node) => selections.get(node);
}

function cheapest(family: readonly Node[], profile: Profile): Selection | undefined {
  const [head] = family;
  const kernel = head && candidates(head, profile)[0]?.kernel;
  if (!kernel) return undefined;
  let [best, least]: [Selection | undefined, number] = [undefined, Infinity];
  for (const schedule of kernel.schedules(head, profile)) {
    const cost = family.reduce((sum, node) => sum + (kernel.cost?.(node, schedule) ?? 0), 0);
    if (cost < least) [best, least] = [{ kernel, schedule }, cost];
  }
  return best;
}
