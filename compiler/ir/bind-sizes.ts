/** Gives symbols their sizes: in dimensions, in attributes, and in whole graphs. */
import { isGraph, isList, isSymbolicDim, isTensor } from './attributes.ts';
import { evaluateDim, type Bindings, type Dim } from './dim.ts';
import { isConstant } from './leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node } from './node.ts';
import type { Attrs, AttrValue } from './op.ts';

/** Binds the symbol of `dim` where it is linear in one symbol, as in `N` or `2*H`; other forms are checked later. */
export function bindDim(dim: Dim, size: number, bindings: Record<string, number>): void {
  if (typeof dim === 'number') return;
  const unknown = dim.terms.filter((term) => term.symbols.some((symbol) => bindings[symbol] === undefined));
  const [term] = unknown;
  const [symbol] = term?.symbols ?? [];
  if (!term || symbol === undefined || unknown.length !== 1 || term.symbols.length !== 1) return;
  const rest = dim.terms.filter((other) => other !== term);
  const value = (size - evaluateDim({ terms: rest }, bindings)) / term.coefficient;
  if (Number.isInteger(value) && value >= 0) bindings[symbol] = value;
}

/** Attributes with every symbolic dimension replaced by its size. */
export const bindAttrs = (attrs: Attrs, bindings: Bindings): Attrs =>
  Object.fromEntries(Object.entries(attrs).map(([key, value]) => [key, bindAttr(value, bindings)]));

function bindAttr(value: AttrValue, bindings: Bindings): AttrValue {
  if (typeof value !== 'object' || isTensor(value)) return value;
  if (isGraph(value)) return Object.keys(bindings).length === 0 ? value : bindSizes(value, bindings);
  if (isList(value)) return value.map((item) => bindAttr(item, bindings));
  if (isSymbolicDim(value)) return evaluateDim(value, bindings);
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, bindAttr(item, bindings)]));
}

/**
 * The graph with every symbol replaced by its size; its shape rules run again on the numbers. Throws a RangeError where
 * a symbol has no size, and an OpError where an op refuses the sizes.
 */
export function bindSizes(graph: Graph, bindings: Bindings): Graph {
  const bound = new Map<Node, Node>();
  const boundOf = (node: Node): Node => bound.get(node) ?? node;
  for (const node of topologicalOrder(graph)) {
    const attrs = isConstant(node) ? node.attrs : bindAttrs(node.attrs, bindings);
    bound.set(node, makeNode(node.op, node.inputs.map(boundOf), attrs, node.origin));
  }
  return makeGraph(
    Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, boundOf(node)])),
    new Map([...graph.updates].map(([state, next]) => [boundOf(state), boundOf(next)])),
  );
}
