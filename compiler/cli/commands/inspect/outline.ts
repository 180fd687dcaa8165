/** A model's graph as a person sees it: boxes for parameter scopes, cards for an op and what follows it alone. */
import { isConstant, isInput, isParameter } from '../../../ir/leaves.ts';
import type { Node } from '../../../ir/node.ts';
import { rootsOf, topologicalOrder, type Graph } from '../../../ir/node.ts';
import { kindOf } from './captions.ts';

/** An op with the norms and activations that only it feeds. */
export interface Card {
  readonly kind: 'card';
  readonly nodes: Node[];
  /** Path of the scope that it fills alone, as in `features.0`; empty where the names of its ops say enough. */
  readonly title: string;
  readonly repeat?: Repeat;
}

/** A parameter scope with several items. */
export interface Box {
  readonly kind: 'box';
  readonly path: string;
  readonly items: readonly Item[];
  readonly repeat?: Repeat;
}

export type Item = Card | Box;

/** Equal items that follow each other, of which one is drawn. */
export interface Repeat {
  readonly count: number;
  readonly first: string;
  readonly last: string;
}

/** Which values are drawn: those that depend on an input. */
export function shownNodes(graph: Graph): Node[] {
  const shown = new Set<Node>();
  for (const node of topologicalOrder(graph)) {
    if (isParameter(node) || isConstant(node)) continue;
    if (isInput(node) || node.inputs.some((input) => shown.has(input))) shown.add(node);
  }
  return [...shown];
}

/** The users of each shown node among the shown. */
export function usersAmong(nodes: readonly Node[]): ReadonlyMap<Node, readonly Node[]> {
  const users = new Map<Node, Node[]>(nodes.map((node) => [node, []]));
  for (const node of nodes) for (const input of new Set(node.inputs)) users.get(input)?.push(node);
  return users;
}

export const parentPath = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf('.')));

/** The scope that a node stands in: its own path where that is a scope, else the one around it. */
export function scopeFinder(nodes: readonly Node[]): (node: Node) => string {
  const scopes = new Set<string>(['']);
  const seen = new Set<string>();
  for (const node of nodes) {
    const path = node.origin?.path ?? '';
    // Two ops of one path make it a scope, and so does an op below it.
    if (seen.has(path)) scopes.add(path);
    seen.add(path);
    for (let at = parentPath(path); at !== '' && !scopes.has(at); at = parentPath(at)) scopes.add(at);
  }
  return ({ origin }) => {
    const path = origin?.path ?? '';
    return scopes.has(path) ? path : parentPath(path);
  };
}

/** Cards in the order of computation. */
export function cardsOf(graph: Graph, nodes: readonly Node[], scopeOf: (node: Node) => string): Card[] {
  const users = usersAmong(nodes);
  const roots = new Set(rootsOf(graph));
  const cards: Card[] = [];
  const cardOf = new Map<Node, Card>();
  for (const node of nodes) {
    const [input, second] = node.inputs.filter((each) => users.has(each));
    const card = input && !second && follows(node, input) ? cardOf.get(input) : undefined;
    if (card) card.nodes.push(node);
    const own = card ?? { kind: 'card', nodes: [node], title: '' };
    if (!card) cards.push(own);
    cardOf.set(node, own);
  }
  return cards;

  function follows(node: Node, input: Node): boolean {
    const kind = kindOf(node);
    const isDecoration = kind === 'norm' || kind === 'activation' || node.op.name === 'dropout';
    const isAlone = users.get(input)?.length === 1 && !roots.has(input);
    return isDecoration && isAlone && !isInput(input) && scopeOf(node) === scopeOf(input);
  }
}

/** The outermost box, with every scope below it that has items. */
export function boxOf(cards: readonly Card[], scopeOf: (node: Node) => string): Box {
  interface Growing {
    readonly path: string;
    readonly items: (Card | Growing)[];
  }
  const boxes = new Map<string, Growing>([['', { path: '', items: [] }]]);
  const boxAt = (path: string): Growing => {
    const known = boxes.get(path);
    if (known) return known;
    const made: Growing = { path, items: [] };
    boxes.set(path, made);
    boxAt(parentPath(path)).items.push(made);
    return made;
  };
  for (const card of cards) boxAt(card.nodes[0] ? scopeOf(card.nodes[0]) : '').items.push(card);
  const finish = ({ path, items }: Growing): Box => ({
    kind: 'box',
    path,
    items: items.map((item) => ('kind' in item ? item : finish(item))),
  });
  return finish(boxAt(''));
}

/** Every node below an item, in the order of computation where `order` gives it. */
export const nodesIn = (item: Item): readonly Node[] =>
  item.kind === 'card' ? item.nodes : item.items.flatMap(nodesIn);

/** Leaves out boxes around a single item, which takes the box's path as its title. */
export function withoutLoneBoxes(item: Item): Item {
  if (item.kind === 'card') return item;
  const items = item.items.map(withoutLoneBoxes);
  const [only, second] = items;
  if (!only || second || item.path === '') return { ...item, items };
  if (only.kind === 'card') return { title: item.path, ...repeatOf(item, only), kind: 'card', nodes: only.nodes };
  return item.repeat ? { ...item, items } : only;
}

/** A card keeps the outer repetition; one inside it would be a scope of its own. */
function repeatOf(box: Box, card: Card): { readonly repeat?: Repeat } {
  const repeat = box.repeat ?? card.repeat;
  return repeat ? { repeat } : {};
}
