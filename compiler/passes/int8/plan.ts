/** Which values of a graph become i8, which of them share a scale, and why others stay in float32. */
import { isConstant, isParameter } from '../../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../../ir/node.ts';
import { languageName } from '../../ir/op-names.ts';
import { integerGroups, type IntegerGroup } from './groups.ts';
import { keepsScale } from './movement.ts';
import { namesOf, type Names } from './names.ts';

/** A value whose range is measured; the order of points is that of the graph. */
export interface QuantizationPoint {
  /** Stable between builds of one network: parameter path of the group and a word, as in `layer1.0.conv2/out`. */
  readonly key: string;
  readonly node: Node;
  /** Points of one number share a scale, because movement joins their values. */
  readonly scale: number;
  /** The function behind the point that only a table computes; its input saturates where the table is flat. */
  readonly table: IntegerGroup | undefined;
}

/** A node that computes in float32. */
export interface FloatNode {
  readonly node: Node;
  readonly path: string;
  readonly op: string;
  readonly reason: string;
}

export interface Int8Plan {
  readonly points: readonly QuantizationPoint[];
  /** Groups that become one integer op. */
  readonly groups: readonly IntegerGroup[];
  /** The scale of each value that is i8: of points, and of what movement makes of them. */
  readonly scales: ReadonlyMap<Node, number>;
  readonly floats: readonly FloatNode[];
  readonly names: Names;
}

export interface PlanOptions {
  /** Layers that stay in float32: parameter paths (`layer1.0.conv2`, `linear`) or keys of points. */
  readonly keepFloat?: readonly string[];
}

/** Disjoint sets of values that share a scale. */
class Shares {
  readonly #parents = new Map<Node, Node>();

  of(node: Node): Node {
    let root = node;
    for (let parent = this.#parents.get(root); parent; parent = this.#parents.get(root)) root = parent;
    return root;
  }

  join(a: Node, b: Node): void {
    const [first, second] = [this.of(a), this.of(b)];
    if (first !== second) this.#parents.set(second, first);
  }
}

interface Draft {
  readonly order: readonly Node[];
  readonly groups: readonly IntegerGroup[];
  readonly shares: Shares;
  readonly keeps: (group: IntegerGroup) => boolean;
}

/** The sets of values that are i8, and the groups: what convolutions need, and all that follows from it. */
function grow({ order, groups, shares, keeps }: Draft): { sets: Set<Node>; chosen: Set<IntegerGroup> } {
  const sources = new Map<Node, Node[]>();
  for (const node of order) {
    if (keepsScale(node)) continue;
    const set = shares.of(node);
    sources.set(set, [...(sources.get(set) ?? []), node]);
  }
  const frozen = new Set(order.filter((node) => isConstant(node) || isParameter(node)).map((node) => shares.of(node)));
  const [sets, chosen] = [new Set<Node>(), new Set<IntegerGroup>()];
  const producers = new Map(groups.map((group) => [group.exit, group]));
  const isMade = (node: Node): boolean => {
    const group = producers.get(node);
    return group !== undefined && chosen.has(group);
  };
  const isReady = (group: IntegerGroup): boolean => {
    if (keeps(group) || [...group.operands, group.exit].some((node) => frozen.has(shares.of(node)))) return false;
    return group.kind === 'convolution' || group.operands.every((operand) => sets.has(shares.of(operand)));
  };
  for (let before = -1; before < sets.size + chosen.size;) {
    before = sets.size + chosen.size;
    for (const group of groups) {
      if (chosen.has(group) || !isReady(group)) continue;
      chosen.add(group);
      for (const value of [...group.operands, group.exit]) sets.add(shares.of(value));
    }
    // What only integer ops make is moved as i8, even where float32 reads it behind.
    for (const [set, made] of sources) if (!frozen.has(set) && made.every(isMade)) sets.add(set);
  }
  return { sets, chosen };
}

const words: Readonly<Record<IntegerGroup['kind'], string>> = {
  convolution: 'an operand is joined with a constant',
  sum: 'an operand is f32',
  product: 'an operand is f32',
  mean: 'its operand is f32',
  function: 'its operand is f32',
};

function reasonOf(node: Node, group: IntegerGroup | undefined, keeps: Draft['keeps']): string {
  if (group && keeps(group)) return 'the directive keeps it in f32';
  if (group) return words[group.kind];
  if (keepsScale(node)) return 'what it moves is f32';
  return `${languageName(node.op.name)} of this form has no integer op`;
}

function floatsOf(draft: Draft, scales: ReadonlyMap<Node, number>, chosen: ReadonlySet<IntegerGroup>, names: Names) {
  const groupOf = new Map(draft.groups.flatMap((group) => [...group.members].map((node) => [node, group] as const)));
  return draft.order.flatMap((node): FloatNode[] => {
    const group = groupOf.get(node);
    const isInteger = group ? chosen.has(group) : keepsScale(node) && scales.has(node);
    if (node.inputs.length === 0 || isInteger) return [];
    const reason = reasonOf(node, group, draft.keeps);
    return [
      { node, path: group ? names.path(group) : (node.origin?.path ?? ''), op: languageName(node.op.name), reason },
    ];
  });
}

/** Plans int8 for a graph whose batch norms are folded and whose forms are legal (see `int8Preparation`). */
export function planInt8(graph: Graph, { keepFloat = [] }: PlanOptions = {}): Int8Plan {
  const order = topologicalOrder(graph);
  const groups = integerGroups(graph);
  const names = namesOf(order, groups);
  const kept = new Set(keepFloat);
  const keeps = (group: IntegerGroup): boolean => kept.has(names.path(group)) || kept.has(names.key(group.exit));
  const shares = new Shares();
  for (const node of order) if (keepsScale(node)) for (const input of node.inputs) shares.join(input, node);
  const draft: Draft = { order, groups, shares, keeps };
  const { sets, chosen } = grow(draft);
  const numbers = new Map([...sets].map((set, index) => [set, index]));
  const tables = new Map<Node, IntegerGroup>();
  for (const group of chosen) if (group.beforeTable) tables.set(group.beforeTable, group);
  const [points, scales]: [QuantizationPoint[], Map<Node, number>] = [[], new Map()];
  for (const node of order) {
    const table = tables.get(node);
    const scale = table ? numbers.size + scales.size : numbers.get(shares.of(node));
    if (scale === undefined) continue;
    scales.set(node, scale);
    if (!keepsScale(node)) points.push({ key: names.key(node), node, scale, table });
  }
  const floats = floatsOf(draft, scales, chosen, names);
  return { points, groups: groups.filter((group) => chosen.has(group)), scales, floats, names };
}
