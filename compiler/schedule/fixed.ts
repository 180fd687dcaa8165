/** Schedules without tuning: one per kernel and form of layer, the cheapest over the whole model. */
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import type { Profile } from '../kernels/kernel.ts';
import { candidates, type Selection } from '../kernels/select.ts';

/**
 * Layers of one form share a schedule, hence a pipeline: on a software adapter creating one takes longer than what the
 * best tile of a single layer can save. `basis` is the graph whose layers decide, where not all of this one's should:
 * layers that are only computed once more.
 */
export function fixedSchedules(
  graph: Graph,
  profile: Profile,
  basis: Graph = graph,
): (node: Node) => Selection | undefined {
  const selections = new Map<Node, Selection>();
  const families = new Map<string, Node[]>();
  for (const node of topologicalOrder(basis)) {
    const { key } = keyed(node, profile) ?? {};
    if (key !== undefined) families.set(key, [...(families.get(key) ?? []), node]);
  }
  const shared = new Map([...families].map(([key, family]) => [key, cheapest(family, profile)]));
  for (const node of topologicalOrder(graph)) {
    const { first, key } = keyed(node, profile) ?? {};
    const selection = (key === undefined ? undefined : shared.get(key)) ?? first;
    if (selection) selections.set(node, selection);
  }
  return (node) => selections.get(node);
}

interface Keyed {
  readonly first: Selection;
  /** What nodes that share a schedule have in common. */
  readonly key: string | undefined;
}

function keyed(node: Node, profile: Profile): Keyed | undefined {
  const [first] = candidates(node, profile);
  const form = first?.kernel.form?.(node);
  return first && { first, key: form === undefined ? undefined : `${first.kernel.name} ${form}` };
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
