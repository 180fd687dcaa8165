/** `fuse-conv`: a convolution or linear layer absorbs the elementwise ops around it. */
import type { Graph, Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { conv2d, mul } from '../ops/index.ts';
import { operandKind } from '../ops/fused.ts';
import type { Pass } from './pass.ts';
import { externalsOf, fits, fuseGroups, storageBuffers, surroundingsOf } from './rules/fusion-group.ts';
import type { Group, Slot, Surroundings } from './rules/fusion-group.ts';

const name = 'fuse-conv';

/** Data, weight, bias and result; what remains is for further operands. */
const anchorBuffers = 4;
const extraOperands = storageBuffers - anchorBuffers;

/** How many nodes the search for one post-dominator may cross. */
const regionLimit = 24;

interface Growth {
  readonly around: Surroundings;
  readonly anchor: Node;
  readonly taken: ReadonlySet<Node>;
}

/** Operands beyond data, weight and bias. */
function extrasOf(members: ReadonlySet<Node>, anchor: Node, gate: Node | undefined): number {
  const epilogue = new Set([...members].filter((member) => member !== anchor));
  const extras = externalsOf(epilogue);
  extras.delete(anchor);
  if (gate) extras.add(gate);
  return extras.size;
}

/**
 * The nodes from `from` to its post-dominator, when every path between is elementwise; undefined otherwise. Nodes are
 * taken in topological order, so the first one that leaves no other path open is the post-dominator (TVM's fuse_ops).
 */
function regionAfter(from: Node, { around, anchor, taken }: Growth): { nodes: Set<Node>; exit: Node } | undefined {
  if (around.roots.has(from)) return undefined;
  const nodes = new Set<Node>();
  const open = new Set(around.users.get(from) ?? []);
  const rankOf = (node: Node): number => around.rank.get(node) ?? 0;
  while (open.size > 0 && nodes.size < regionLimit) {
    const next = [...open].reduce((first, node) => (rankOf(node) < rankOf(first) ? node : first));
    open.delete(next);
    if (taken.has(next) || !fits(next, anchor)) return undefined;
    nodes.add(next);
    if (open.size === 0) return { nodes, exit: next };
    if (around.roots.has(next)) return undefined;
    for (const user of around.users.get(next) ?? []) open.add(user);
  }
  return undefined;
}

interface Prologue {
  readonly node: Node;
  /** Which input of the multiplication is the map, and which the gate. */
  readonly data: 0 | 1;
  readonly gate: Node;
}

/** The squeeze-and-excitation scale `x * gate[N, C, 1, 1]` that only a dense 1x1 convolution reads. */
function prologueOf(anchor: Node, { around, taken }: Growth): Prologue | undefined {
  const [node, weight] = anchor.inputs;
  if (!node || !weight || !isOp(anchor, conv2d) || !isOp(node, mul)) return undefined;
  const isPointwise = anchor.attrs.groups === 1 && weight.type.shape[2] === 1 && weight.type.shape[3] === 1;
  const isSole = around.users.get(node)?.length === 1 && !around.roots.has(node) && !taken.has(node);
  if (!isPointwise || !isSole) return undefined;
  const kinds = node.inputs.map((input) => operandKind(input.type.shape, node.type.shape));
  const data = kinds[0] === 'same' ? 0 : 1;
  const gate = node.inputs[1 - data];
  return gate && kinds[data] === 'same' && kinds[1 - data] === 'gate' ? { node, data, gate } : undefined;
}

/** What one anchor absorbs; undefined where it stands alone. */
function growGroup(growth: Growth): Group | undefined {
  const { anchor } = growth;
  const prologue = prologueOf(anchor, growth);
  const epilogue = new Set<Node>([anchor]);
  let exit = anchor;
  for (let region = regionAfter(exit, growth); region; region = regionAfter(exit, growth)) {
    if (extrasOf(new Set([...epilogue, ...region.nodes]), anchor, prologue?.gate) > extraOperands) break;
    for (const node of region.nodes) epilogue.add(node);
    exit = region.exit;
  }
  const members = prologue ? new Set([prologue.node, ...epilogue]) : epilogue;
  if (members.size === 1) return undefined;
  const data: Slot = prologue ? { node: prologue.node, input: prologue.data } : { node: anchor, input: 0 };
  const rest = anchor.inputs.slice(1).map((_, at): Slot => ({ node: anchor, input: at + 1 }));
  const group: Group = { members, exit, leading: [data, ...rest], namesake: anchor };
  // Kernels read the prologue as data times gate.
  return prologue?.data === 1 ? { ...group, swapped: prologue.node } : group;
}

/** Anchors are visited last first, so that of two convolutions that feed one add the later one absorbs it. */
function run(graph: Graph): Graph {
  const around = surroundingsOf(graph);
  const taken = new Set<Node>();
  const groups: Group[] = [];
  for (const anchor of around.order.toReversed()) {
    if (anchor.op.traits?.kind !== 'layer') continue;
    const group = growGroup({ around, anchor, taken });
    if (!group) continue;
    groups.push(group);
    for (const member of group.members) taken.add(member);
  }
  return fuseGroups(graph, groups, around, name);
}

/**
 * The fused node reads data, weight, bias (where there is one), then up to four further operands; the body is
 * `anchor(mul(data, gate)?, weight, bias?)` and elementwise ops of the anchor's shape behind it. Weights and biases
 * stay operands; constants of one element move into the body.
 */
export const fuseConv: Pass = {
  name,
  summary: 'fuse convolutions and linear layers with the elementwise ops around them',
  run,
};
