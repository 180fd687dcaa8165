/** `fuse-elementwise`: trees of elementwise ops that no convolution absorbed become one node each. */
import { shapesEqual } from '../ir/dim.ts';
import type { Graph, Node } from '../ir/node.ts';
import { operandKind } from '../ops/fused.ts';
import type { Pass } from './pass.ts';
import {
  externalsOf,
  fits,
  fuseGroups,
  isScalarConstant,
  storageBuffers,
  surroundingsOf,
} from './rules/fusion-group.ts';
import type { Group, Surroundings } from './rules/fusion-group.ts';

const name = 'fuse-elementwise';

/**
 * Whether a value that several groups read is better computed in each: it reads one value of its own size, so that the
 * groups load as much as before, and it need not be stored. All its readers must be able to take it in.
 */
function isCheaper(node: Node, { users }: Surroundings): boolean {
  const isLarge = (input: Node): boolean => operandKind(input.type.shape, node.type.shape) === 'same';
  const takesIn = (user: Node): boolean => fits(user, user) && shapesEqual(user.type.shape, node.type.shape);
  const loads = new Set(node.inputs.filter((input) => isLarge(input) && !isScalarConstant(input)));
  return node.op.traits?.isCheap === true && loads.size <= 1 && (users.get(node) ?? []).every(takesIn);
}

interface Grown {
  readonly group: Group;
  /** Members that no other group may have. */
  readonly owned: ReadonlySet<Node>;
}

/**
 * Grows from the last node towards the inputs: a node joins when everything that reads it is inside already; where
 * `recomputes`, also when computing it once more is cheaper than storing it.
 */
function growGroup(exit: Node, around: Surroundings, taken: ReadonlySet<Node>, recomputes: boolean): Grown | undefined {
  if (!fits(exit, exit) || taken.has(exit)) return undefined;
  const members = new Set([exit]);
  const owned = new Set([exit]);
  const candidates = [...exit.inputs];
  const mayJoin = (node: Node): boolean =>
    !members.has(node) && !taken.has(node) && !around.roots.has(node) && fits(node, exit);
  for (let node = candidates.pop(); node; node = candidates.pop()) {
    if (!mayJoin(node)) continue;
    const isOwn = (around.users.get(node) ?? []).every((user) => owned.has(user));
    if (!isOwn && !(recomputes && isCheaper(node, around))) continue;
    members.add(node);
    if (externalsOf(members).size > storageBuffers - 1) {
      members.delete(node);
      continue;
    }
    if (isOwn) owned.add(node);
    candidates.push(...node.inputs);
  }
  return members.size > 1 ? { group: { members, exit, leading: [], namesake: exit }, owned } : undefined;
}

function run(graph: Graph, recomputes: boolean): Graph {
  const around = surroundingsOf(graph);
  const taken = new Set<Node>();
  const groups: Group[] = [];
  for (const exit of around.order.toReversed()) {
    const grown = growGroup(exit, around, taken, recomputes);
    if (!grown) continue;
    groups.push(grown.group);
    for (const member of grown.owned) taken.add(member);
  }
  return fuseGroups(graph, groups, around, name);
}

export const fuseElementwise: Pass = {
  name,
  summary: 'fuse trees of elementwise ops into one kernel each',
  run: (graph) => run(graph, false),
};

/** For training, where a value that the backward direction reads again would be stored until then. */
export const fuseRecomputing: Pass = {
  name: 'fuse-recomputing',
  summary: 'fuse elementwise ops, computing cheap ones again rather than storing them',
  run: (graph) => {
    let current = graph;
    // What one round takes in can leave a value to a single reader; each round makes the unfused part smaller.
    for (let next = run(current, true); next !== current; next = run(current, true)) current = next;
    return current;
  },
};
