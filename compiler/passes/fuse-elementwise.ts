/** `fuse-elementwise`: trees of elementwise ops that no convolution absorbed become one node each. */
import type { Graph, Node } from '../ir/node.ts';
import type { Pass } from './pass.ts';
import { externalsOf, fits, fuseGroups, storageBuffers, surroundingsOf } from './rules/fusion-group.ts';
import type { Group, Surroundings } from './rules/fusion-group.ts';

const name = 'fuse-elementwise';

/** Grows from the last node towards the inputs: a node joins when everything that reads it is inside already. */
function growGroup(exit: Node, around: Surroundings, taken: ReadonlySet<Node>): Group | undefined {
  if (!fits(exit, exit) || taken.has(exit)) return undefined;
  const members = new Set([exit]);
  const candidates = [...exit.inputs];
  const joins = (node: Node): boolean =>
    !members.has(node) &&
    !taken.has(node) &&
    !around.roots.has(node) &&
    fits(node, exit) &&
    (around.users.get(node) ?? []).every((user) => members.has(user));
  for (let node = candidates.pop(); node; node = candidates.pop()) {
    if (!joins(node)) continue;
    members.add(node);
    if (externalsOf(members).size > storageBuffers - 1) members.delete(node);
    else candidates.push(...node.inputs);
  }
  return members.size > 1 ? { members, exit, leading: [], namesake: exit } : undefined;
}

function run(graph: Graph): Graph {
  const around = surroundingsOf(graph);
  const taken = new Set<Node>();
  const groups: Group[] = [];
  for (const exit of around.order.toReversed()) {
    const group = growGroup(exit, around, taken);
    if (!group) continue;
    groups.push(group);
    for (const member of group.members) taken.add(member);
  }
  return fuseGroups(graph, groups, around, name);
}

export const fuseElementwise: Pass = {
  name,
  summary: 'fuse trees of elementwise ops into one kernel each',
  run,
};
