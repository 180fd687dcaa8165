/** Folds equal items that follow each other in a `seq`: one is drawn, with how often and under which names. */
import { isConstant, isInput, isParameter } from '../../../ir/leaves.ts';
import type { Node } from '../../../ir/node.ts';
import { formatType } from '../../../ir/type.ts';
import { nodesIn, type Box, type Item } from './outline.ts';

export interface Folded {
  readonly box: Box;
  /** For each node that is not drawn, the one that stands for it. */
  readonly standIns: ReadonlyMap<Node, Node>;
}

interface Connections {
  readonly order: ReadonlyMap<Node, number>;
  readonly users: ReadonlyMap<Node, readonly Node[]>;
  readonly outputs: ReadonlySet<Node>;
}

/** What decides whether an item equals another, and how it is connected; undefined where it cannot be folded. */
interface Profile {
  readonly nodes: readonly Node[];
  readonly form: string;
  readonly entry: Node;
  readonly exit: Node;
}

export function fold(box: Box, connections: Connections): Folded {
  const standIns = new Map<Node, Node>();
  return { box: foldBox(box), standIns };

  function foldBox(outer: Box): Box {
    const items: Item[] = [];
    for (let at = 0; at < outer.items.length;) {
      const run = runFrom(outer.items, at, outer.path);
      const [first] = run;
      if (!first) break;
      const folded = first.kind === 'box' ? foldBox(first) : first;
      const last = run.at(-1) ?? first;
      const names = { first: pathOf(first), last: pathOf(last, true) };
      items.push(run.length === 1 ? folded : { ...folded, repeat: { count: run.length, ...names } });
      at += run.length;
    }
    return { ...outer, items };
  }

  /** The items from `at` on that are equal to the first and feed each other. */
  function runFrom(items: readonly Item[], at: number, path: string): readonly Item[] {
    const [first, ...rest] = items.slice(at);
    if (!first) return [];
    const run = [first];
    const profile = isNumbered(first, path) ? profileOf(first, connections) : undefined;
    let previous = profile;
    for (const item of profile ? rest : []) {
      const next = isNumbered(item, path) ? profileOf(item, connections) : undefined;
      if (!profile || !previous || !next || next.form !== profile.form || next.entry !== previous.exit) break;
      const inside = new Set(next.nodes);
      const own = new Set(previous.nodes);
      if (connections.outputs.has(previous.exit)) break;
      if (!connections.users.get(previous.exit)?.every((user) => inside.has(user) || own.has(user))) break;
      next.nodes.forEach((node, index) => standIns.set(node, profile.nodes[index] ?? node));
      run.push(item);
      previous = next;
    }
    return run;
  }
}

/** The path of a box, or of the first (or last) op of a card. */
function pathOf(item: Item, isLast = false): string {
  if (item.kind === 'box') return item.path;
  return item.nodes.at(isLast ? -1 : 0)?.origin?.path ?? '';
}

/** Whether its name below the path is a position of a `seq`. */
function isNumbered(item: Item, path: string): boolean {
  const own = pathOf(item);
  return own !== path && /^\d+$/.test(path === '' ? own : own.slice(path.length + 1));
}

function profileOf(item: Item, { order, users, outputs }: Connections): Profile | undefined {
  const nodes = [...nodesIn(item)].sort((a, b) => (order.get(a) ?? 0) - (order.get(b) ?? 0));
  const indexOf = new Map(nodes.map((node, index) => [node, index]));
  const entries = new Set<Node>();
  const exits = nodes.filter((node) => outputs.has(node) || users.get(node)?.some((user) => !indexOf.has(user)));
  const base = item.kind === 'box' ? item.path.length : Infinity;
  const lines = nodes.map((node) => {
    const inputs = node.inputs.map((input) => {
      if (isParameter(input)) return formatType(input.type);
      if (isConstant(input)) return `${formatType(input.type)} ${input.attrs.tensor.data.join(' ')}`;
      const inside = indexOf.get(input);
      if (inside === undefined && users.has(input)) entries.add(input);
      return inside === undefined ? formatType(input.type) : `#${inside}`;
    });
    return [node.op.name, JSON.stringify(node.attrs), node.origin?.path.slice(base), ...inputs].join(' | ');
  });
  const [entry, secondEntry] = entries;
  const [exit, secondExit] = exits;
  if (!entry || secondEntry || !exit || secondExit || nodes.some(isInput)) return undefined;
  return { nodes, form: lines.join('\n'), entry, exit };
}
