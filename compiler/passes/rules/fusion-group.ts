/** Groups of nodes that fusion turns into one: the growth conditions and the making of the `fused` node. */
import { shapesEqual } from '../../ir/dim.ts';
import { isConstant } from '../../ir/leaves.ts';
import { makeGraph, makeNode, rootsOf, topologicalOrder, usersOf, type Graph, type Node } from '../../ir/node.ts';
import { mergeOrigins, rewriteGraph, withInputs } from '../../ir/rewrite.ts';
import { bodyInput, fused, operandKind } from '../../ops/fused.ts';

/** WebGPU's default limit on storage buffers per shader stage; the result takes one. */
export const storageBuffers = 8;

/** A node and which of its inputs. */
export interface Slot {
  readonly node: Node;
  readonly input: number;
}

export interface Group {
  /** Every node inside, in any order; all paths from inside to outside leave through `exit`. */
  readonly members: ReadonlySet<Node>;
  readonly exit: Node;
  /** Operands with a fixed place: the first ones of the fused node, one each, even where they are the same value. */
  readonly leading: readonly Slot[];
  /** The node that names the fused one: the anchor, or the exit. */
  readonly namesake: Node;
  /** A commutative member that gets its two inputs in the other order. */
  readonly swapped?: Node;
}

/** What growth asks about a graph. */
export interface Surroundings {
  readonly order: readonly Node[];
  readonly users: ReadonlyMap<Node, readonly Node[]>;
  readonly roots: ReadonlySet<Node>;
  readonly rank: ReadonlyMap<Node, number>;
}

export function surroundingsOf(graph: Graph): Surroundings {
  const order = topologicalOrder(graph);
  const rank = new Map(order.map((node, at) => [node, at]));
  return { order, users: usersOf(graph), roots: new Set(rootsOf(graph)), rank };
}

export const isScalarConstant = (node: Node): boolean => isConstant(node) && node.attrs.tensor.data.length === 1;

/** Whether an elementwise node may stand in a group with this result: its shape is the result's, no operand is odd. */
export function fits(node: Node, result: Node): boolean {
  if (!node.op.scalar || !shapesEqual(node.type.shape, result.type.shape)) return false;
  return node.inputs.every((input) => operandKind(input.type.shape, result.type.shape) !== undefined);
}

/** The values from outside that the members read, without constants of one element, which go into the body. */
export function externalsOf(members: ReadonlySet<Node>): Set<Node> {
  const all = [...members].flatMap((member) => member.inputs);
  return new Set(all.filter((input) => !members.has(input) && !isScalarConstant(input)));
}

/** The `fused` node of a group; `rebuilt` holds each member with its inputs already rewritten. */
function makeFused(group: Group, order: readonly Node[], rebuilt: ReadonlyMap<Node, Node>): Node {
  const inputOf = ({ node, input }: Slot): Node | undefined => (rebuilt.get(node) ?? node).inputs[input];
  const operands: Node[] = [];
  const place = (value: Node): Node => bodyInput(operands.push(value) - 1, value.type);
  const leading = group.leading.map((slot) => {
    const value = inputOf(slot);
    return value && { slot, leaf: place(value) };
  });
  const leaves = new Map<Node, Node>();
  const inside = new Map<Node, Node>();
  const leafOf = (slot: Slot): Node => {
    const fixed = leading.find((entry) => entry?.slot.node === slot.node && entry.slot.input === slot.input);
    const value = inputOf(slot) ?? slot.node;
    if (fixed) return fixed.leaf;
    if (isScalarConstant(value)) return value;
    const leaf = leaves.get(value) ?? place(value);
    leaves.set(value, leaf);
    return leaf;
  };
  for (const member of order) {
    const inputs = member.inputs.map((value, input) => inside.get(value) ?? leafOf({ node: member, input }));
    inside.set(member, withInputs(member, member === group.swapped ? inputs.toReversed() : inputs));
  }
  const result = inside.get(group.exit) ?? group.exit;
  const origin = mergeOrigins([group.namesake, ...order]);
  return makeNode(fused, operands, { body: makeGraph({ result }) }, origin);
}

/** The graph with every group replaced by one `fused` node. */
export function fuseGroups(graph: Graph, groups: readonly Group[], { rank }: Surroundings, pass: string): Graph {
  const byExit = new Map(groups.map((group) => [group.exit, group]));
  const rebuilt = new Map<Node, Node>();
  const byRank = (a: Node, b: Node): number => (rank.get(a) ?? 0) - (rank.get(b) ?? 0);
  return rewriteGraph(
    graph,
    (node, original) => {
      rebuilt.set(original, node);
      const group = byExit.get(original);
      return group && makeFused(group, [...group.members].toSorted(byRank), rebuilt);
    },
    pass,
  );
}
