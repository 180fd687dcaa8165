/** Rebuilding a graph: untouched nodes keep their identity, new nodes inherit the origin of what they replace. */
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node, type Origin } from './node.ts';
import { isOp, type Attrs, type Op } from './op.ts';

/**
 * Called once per node, inputs first. `node` has its inputs already rewritten; `original` is the same node in the
 * graph as it was, for look-ups such as its users. Returns the replacement, or undefined to keep `node`.
 */
export type Visit = (node: Node, original: Node) => Node | undefined;

/** A local rewrite: `apply` sees nodes of one op and returns the replacement or undefined. */
export interface Rule<A extends Attrs = Attrs> {
  readonly name: string;
  readonly root: Op<A>;
  apply(node: Node<A>): Node | undefined;
}

const union = <T>(lists: readonly (readonly T[])[]): T[] => [...new Set(lists.flat())];

/** One origin for a node made from several; the first path that is not empty wins. */
export function mergeOrigins(sources: readonly Node[], pass?: string): Origin {
  const origins = sources.flatMap((node) => node.origin ?? []);
  const passes = union(origins.map((origin) => origin.passes)).filter((name) => name !== pass);
  return {
    spans: union(origins.map((origin) => origin.spans)),
    path: origins.find((origin) => origin.path !== '')?.path ?? '',
    passes: pass === undefined ? passes : [...passes, pass],
  };
}

/** A node with other inputs and the same op, attributes and origin; the same node where nothing changes. */
export function withInputs(node: Node, inputs: readonly Node[]): Node {
  const same = inputs.length === node.inputs.length && inputs.every((input, at) => input === node.inputs[at]);
  return same ? node : makeNode(node.op, inputs, node.attrs, node.origin);
}

/**
 * Gives `roots` and the nodes below them that a pass has just made (those not in `known`) an origin: their own with the
 * pass appended, or else the origin of `source` with the pass appended.
 */
export function stamp(roots: readonly Node[], known: ReadonlySet<Node>, source: Node, pass: string): Node[] {
  const fallback = mergeOrigins([source], pass);
  const stamped = new Map<Node, Node>();
  const of = (node: Node): Node => stamped.get(node) ?? node;
  const stack = [...roots];
  for (let node = stack.at(-1); node; node = stack.at(-1)) {
    const pending = known.has(node) ? [] : node.inputs.filter((input) => !known.has(input) && !stamped.has(input));
    if (pending.length > 0) {
      stack.push(...pending);
      continue;
    }
    stack.pop();
    if (known.has(node) || stamped.has(node)) continue;
    const origin = node.origin ? mergeOrigins([node], pass) : fallback;
    stamped.set(node, { ...node, inputs: node.inputs.map(of), origin });
  }
  return roots.map(of);
}

/**
 * Bottom-up rebuild of a graph. A graph that no visit changes is returned as the same object. Nodes that a visit
 * makes get `pass` appended to their origin's passes.
 */
export function rewriteGraph(graph: Graph, visit: Visit, pass: string): Graph {
  const order = topologicalOrder(graph);
  const mapped = new Map<Node, Node>();
  const known = new Set<Node>(order);
  const of = (node: Node): Node => mapped.get(node) ?? node;
  for (const original of order) {
    const node = withInputs(original, original.inputs.map(of));
    known.add(node);
    const visited = visit(node, original);
    const [result = node] = visited && visited !== node ? stamp([visited], known, node, pass) : [];
    known.add(result);
    if (result !== original) mapped.set(original, result);
  }
  if (mapped.size === 0) return graph;
  return makeGraph(
    Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, of(node)])),
    new Map([...graph.updates].map(([state, next]) => [of(state), of(next)])),
  );
}

/** Applies the rules of a node's op, first match first, until none applies to the result. */
export function visitWithRules(rules: readonly Rule[]): Visit {
  const byRoot = new Map<string, Rule[]>();
  for (const rule of rules) byRoot.set(rule.root.name, [...(byRoot.get(rule.root.name) ?? []), rule]);
  const step = (node: Node): Node | undefined => {
    for (const rule of byRoot.get(node.op.name) ?? []) {
      const result = isOp(node, rule.root) ? rule.apply(node) : undefined;
      if (result && result !== node) return result;
    }
    return undefined;
  };
  return (node) => {
    let result = step(node);
    for (let next = result; next; next = step(next)) result = next;
    return result;
  };
}
