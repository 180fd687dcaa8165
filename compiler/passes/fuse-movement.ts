/** `fuse-movement`: chains of ops that only copy elements become one gather each. */
import { makeGraph, makeNode, type Graph, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { mergeOrigins, rewriteGraph } from '../ir/rewrite.ts';
import { bodyInput } from '../ops/fused.ts';
import { concat, fused, reshape, slice } from '../ops/index.ts';
import { channelTables, isMovement } from '../ops/rules/movement.ts';
import type { Pass } from './pass.ts';
import { storageBuffers, surroundingsOf, type Surroundings } from './rules/fusion-group.ts';

const name = 'fuse-movement';

/** Ops whose result may already lie in memory as wanted: copying them would be work that nobody asked for. */
const mayBeView = (node: Node): boolean => isOp(node, reshape) || isOp(node, slice) || isOp(node, concat);

/** The movement ops that a copy into `exit` can look through; each is read by members alone. */
function membersOf(exit: Node, around: Surroundings): Set<Node> {
  const members = new Set([exit]);
  const candidates = [...exit.inputs];
  for (let node = candidates.pop(); node; node = candidates.pop()) {
    const inner = node;
    const users = around.users.get(inner) ?? [];
    if (!isMovement(inner) || around.roots.has(inner) || !users.every((user) => members.has(user))) continue;
    members.add(inner);
    candidates.push(...inner.inputs);
  }
  return members;
}

const operandsOf = (members: ReadonlySet<Node>): Node[] => [
  ...new Set([...members].flatMap((member) => member.inputs).filter((input) => !members.has(input))),
];

function run(graph: Graph): Graph {
  const around = surroundingsOf(graph);
  const taken = new Set<Node>();
  const groups = new Map<Node, ReadonlySet<Node>>();
  for (const exit of around.order.toReversed()) {
    if (!isMovement(exit) || mayBeView(exit) || taken.has(exit)) continue;
    const members = membersOf(exit, around);
    if (members.size < 2 || operandsOf(members).length + channelTables([...members]) > storageBuffers - 1) continue;
    groups.set(exit, members);
    for (const member of members) taken.add(member);
  }
  const rebuilt = new Map<Node, Node>();
  return rewriteGraph(
    graph,
    (node, original) => {
      rebuilt.set(original, node);
      const members = groups.get(original);
      return members && fuseGroup(original, members, around, rebuilt);
    },
    name,
  );
}

function fuseGroup(
  exit: Node,
  members: ReadonlySet<Node>,
  { rank }: Surroundings,
  rebuilt: ReadonlyMap<Node, Node>,
): Node {
  const order = [...members].toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  const operands = operandsOf(members);
  const inside = new Map<Node, Node>(operands.map((operand, index) => [operand, bodyInput(index, operand.type)]));
  for (const member of order) {
    const inputs = member.inputs.map((input) => inside.get(input) ?? input);
    inside.set(member, makeNode(member.op, inputs, member.attrs, member.origin));
  }
  const result = inside.get(exit) ?? exit;
  // The operands as the rebuilt members read them: an operand may itself have been replaced by a fused node.
  const final = new Map<Node, Node>();
  for (const member of order) {
    member.inputs.forEach((input, index) => final.set(input, rebuilt.get(member)?.inputs[index] ?? input));
  }
  const outside = operands.map((operand) => final.get(operand) ?? operand);
  return makeNode(fused, outside, { body: makeGraph({ result }) }, mergeOrigins(order.toReversed()));
}

export const fuseMovement: Pass = {
  name,
  summary: 'fuse chains of data movement into one gather each',
  run,
};
