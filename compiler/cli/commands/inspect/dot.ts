/** The picture of a model in Graphviz' DOT language: boxes for scopes, cards for ops with the shape that they give. */
import { formatDim } from '../../../ir/dim.ts';
import { isInput } from '../../../ir/leaves.ts';
import { rootsOf, type Node } from '../../../ir/node.ts';
import { describeSmallest } from '../../../driver/open-sizes.ts';
import { layersOf, sizeText, type Layer } from '../../../driver/layers.ts';
import type { SourceModel } from '../../../driver/project.ts';
import { formatInteger, formatScaled } from '../../../driver/text.ts';
import { symbolsOf } from '../../../ir/dim.ts';
import { captionOf, kindOf, type Kind } from './captions.ts';
import { fold } from './fold.ts';
import {
  boxOf,
  cardsOf,
  nodesIn,
  scopeFinder,
  shownNodes,
  usersAmong,
  withoutLoneBoxes,
  type Box,
  type Card,
  type Item,
  type Repeat,
} from './outline.ts';

const fills: Readonly<Record<Kind, string>> = {
  layer: '#d6e6fb',
  norm: '#e9e3f5',
  activation: '#fdeecb',
  pool: '#d5f0de',
  join: '#fbdcd9',
  move: '#dcecef',
  other: '#eceff1',
};

/** What the colours stand for. */
const kindNames: Readonly<Record<Kind, string>> = {
  layer: 'weights',
  norm: 'normalisation',
  activation: 'activation',
  pool: 'pooling',
  join: 'join',
  move: 'data movement',
  other: 'other',
};

/** Families in the order in which a viewer looks for them; Graphviz measures texts in the last but one, the widest. */
export const fonts = 'Helvetica,Arial,DejaVu Sans,sans-serif';

const ink = '#1f2933';
const faint = '#6b7785';
const accent = '#b4381f';

interface Drawing {
  readonly layers: ReadonlyMap<Node, Layer>;
  readonly scopeOf: (node: Node) => string;
  readonly idOf: ReadonlyMap<Card, string>;
  readonly facts: SourceModel['built']['facts'];
  /** The batch symbol, which shapes leave out. */
  readonly batch: string | undefined;
}

/** One statement a line; equal models give equal texts. */
export function dotOf({ graph, built, model }: SourceModel): string {
  const nodes = shownNodes(graph);
  const scopeOf = scopeFinder(nodes);
  const users = usersAmong(nodes);
  const order = new Map(nodes.map((node, at) => [node, at]));
  const roots = new Set(rootsOf(graph));
  const { box, standIns } = fold(boxOf(cardsOf(graph, nodes, scopeOf), scopeOf), { order, users, outputs: roots });
  const whole = withoutLoneBoxes(box);
  const cards = cardsIn(whole);
  const layers = layersOf(graph, built.parameters);
  const [batch] = symbolsOf(built.inputs[0]?.type.shape[0] ?? 1);
  const drawing: Drawing = {
    layers: new Map(layers.map((layer) => [layer.node, layer])),
    scopeOf,
    idOf: new Map(cards.map((card, at) => [card, `n${at}`])),
    facts: built.facts,
    batch,
  };
  const cardOf = new Map(cards.flatMap((card) => card.nodes.map((node) => [node, card] as const)));
  const drawn = (node: Node): string =>
    drawing.idOf.get(cardOf.get(standIns.get(node) ?? node) ?? cards[0] ?? none) ?? '';
  const lines = [
    ...statementsOf(whole.kind === 'box' ? whole : { kind: 'box', path: '', items: [whole] }, drawing, '  '),
    ...edgesOf(cards, users, drawn),
    ...Object.entries(graph.outputs).flatMap(([name, node], at) => [
      `  o${at} [label=<<B>${escape(name)}</B>>, shape=box, style="rounded,filled", fillcolor="${ink}", fontcolor="white", margin="0.18,0.08"];`,
      edge(drawn(node), `o${at}`),
    ]),
  ];
  return `${head(model.name, layers, built, drawing, legendOf(cards, isRepeated(whole)))}\n${lines.join('\n')}\n}\n`;
}

const none: Card = { kind: 'card', nodes: [], title: '' };

const isRepeated = (item: Item): boolean =>
  item.repeat !== undefined || (item.kind === 'box' && item.items.some(isRepeated));

const cardsIn = (item: Item): readonly Card[] => (item.kind === 'card' ? [item] : item.items.flatMap(cardsIn));

function head(
  name: string,
  layers: readonly Layer[],
  { inputs, facts }: SourceModel['built'],
  { batch }: Drawing,
  legend: string,
): string {
  const sum = (key: 'params' | 'macs'): number => layers.reduce((total, layer) => total + layer[key], 0);
  const symbols = [...new Set(inputs.flatMap(({ type }) => type.shape.flatMap(symbolsOf)))];
  const macs = `${formatScaled(sum('macs'))}MACs${describeSmallest(symbols, batch, facts)}`;
  const shapes = batch === undefined ? '' : `, shapes without the batch ${batch}`;
  const title = `<FONT POINT-SIZE="19"><B>${escape(name)}</B></FONT>`;
  const figures = `<FONT COLOR="${faint}">${formatInteger(sum('params'))} params, ${macs}${shapes}</FONT>`;
  return [
    `digraph ${quote(name)} {`,
    `  graph [rankdir=TB, bgcolor="white", fontname="${fonts}", fontsize=13, fontcolor="${ink}", labelloc=t, labeljust=l, nodesep=0.3, ranksep=0.35, pad=0.25, label=<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="3"><TR><TD ALIGN="LEFT">${title}</TD></TR><TR><TD ALIGN="LEFT">${figures}</TD></TR><TR><TD ALIGN="LEFT">${legend}</TD></TR></TABLE>>];`,
    `  node [shape=plain, fontname="${fonts}", fontsize=13, fontcolor="${ink}"];`,
    `  edge [color="#8995a3", arrowsize=0.6];`,
  ].join('\n');
}

/** The kinds of ops that are drawn, each on its colour, and what a repeated box looks like. */
function legendOf(cards: readonly Card[], hasRepeat: boolean): string {
  const found = new Set(cards.flatMap(({ nodes }) => nodes.filter((node) => !isInput(node)).map(kindOf)));
  const cells = Object.entries(kindNames).flatMap(([kind, name]) =>
    [...found].flatMap((each) => (each === kind ? [legendCell(name, fills[each], '#8995a3')] : [])),
  );
  const repeats = hasRepeat ? [legendCell('x3: three alike, one drawn', '#ffffff', accent)] : [];
  const gap = '<TD BORDER="0"> </TD>';
  return `<TABLE BORDER="0" CELLBORDER="1" CELLSPACING="0" CELLPADDING="3"><TR>${[...cells, ...repeats].join(gap)}</TR></TABLE>`;
}

const legendCell = (name: string, fill: string, border: string): string =>
  `<TD BGCOLOR="${fill}" COLOR="${border}"><FONT POINT-SIZE="11">${name}</FONT></TD>`;

function statementsOf({ items }: Box, drawing: Drawing, indent: string): string[] {
  return items.flatMap((item) => {
    if (item.kind === 'card') return [`${indent}${cardStatement(item, drawing)}`];
    const border = item.repeat ? accent : '#b8c2cc';
    const { label, room } = captionOfBox(item, drawing);
    const attributes = `label=<${label}>, room=${room}, style="rounded,filled", fillcolor="${indent.length % 4 === 2 ? '#f6f8fa' : '#ffffff'}", color="${border}", penwidth=${item.repeat ? 1.6 : 1}, margin=9`;
    return [
      `${indent}subgraph ${quote(`cluster_${item.path}`)} {`,
      `${indent}  graph [${attributes}];`,
      ...statementsOf(item, drawing, `${indent}  `),
      `${indent}}`,
    ];
  });
}

/** The caption of a box, and the points of empty room behind it. */
function captionOfBox(box: Box, { layers }: Drawing): { readonly label: string; readonly room: number } {
  const inside = nodesIn(box).flatMap((node) => layers.get(node) ?? []);
  // Of a box that stands for several, and of the boxes inside it, the figures are those of one.
  const sum = (key: 'params' | 'macs'): number => inside.reduce((total, layer) => total + layer[key], 0);
  const params = sum('params');
  const each = box.repeat ? ' each' : '';
  const hasRepeats = box.items.some((item) => item.repeat !== undefined);
  const text =
    params === 0 || hasRepeats ? '' : `${formatInteger(params)} params, ${formatScaled(sum('macs'))}MACs${each}`;
  const title = titleOf(box.path, box.repeat);
  const figures = text === '' ? '' : `<BR ALIGN="LEFT"/><FONT POINT-SIZE="11" COLOR="${faint}">${text}</FONT>`;
  // More room than the caption takes, so that it can stand behind the arrows into the box.
  const room = Math.ceil(Math.max(title.replaceAll(/<[^>]*>/g, '').length * 12, text.length * 9));
  const caption = `<TD ALIGN="LEFT" BALIGN="LEFT">${title}${figures}</TD><TD WIDTH="${room}"></TD>`;
  const table = '<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0">';
  return { label: `${table}<TR>${caption}</TR></TABLE>`, room };
}

/** The path, or the first and last of several with how many they are. */
const titleOf = (path: string, repeat: Repeat | undefined): string =>
  repeat
    ? `<B>${escape(repeat.first)} .. ${escape(repeat.last)}</B>  <FONT COLOR="${accent}"><B>x${repeat.count}</B></FONT>`
    : `<B>${escape(path)}</B>`;

function cardStatement(card: Card, drawing: Drawing): string {
  const [first] = card.nodes;
  const id = drawing.idOf.get(card) ?? '';
  if (first && isInput(first)) {
    const label = `<B>${escape(first.attrs.name)}</B>  ${escape(first.type.dtype)} ${shapeOf(first, drawing)}`;
    return `${id} [label=<${label}>, shape=box, style="rounded,filled", fillcolor="${ink}", fontcolor="white", margin="0.18,0.08"];`;
  }
  const hasTitle = card.title !== '' || card.repeat !== undefined;
  const title = hasTitle ? [row(titleOf(card.title, card.repeat), '', '#ffffff')] : [];
  const rows = card.nodes.map((node) => row(escape(captionOf(node)), nameOf(node, drawing), fills[kindOf(node)]));
  const last = card.nodes.at(-1);
  const shape = last ? [row('', shapeOf(last, drawing), '#ffffff')] : [];
  const table = `<TABLE BORDER="1" CELLBORDER="0" CELLSPACING="0" CELLPADDING="2" COLOR="${card.repeat ? accent : '#8995a3'}" BGCOLOR="#ffffff">`;
  return `${id} [label=<${table}${[...title, ...rows, ...shape].join('')}</TABLE>>, tooltip=${quote(tooltipOf(card, drawing))}];`;
}

function row(text: string, name: string, fill: string): string {
  const small = name === '' ? ' ' : `<FONT POINT-SIZE="11" COLOR="${faint}">${escape(name)}</FONT>`;
  return `<TR><TD ALIGN="LEFT" BGCOLOR="${fill}">${text}  </TD><TD ALIGN="RIGHT" BGCOLOR="${fill}">  ${small}</TD></TR>`;
}

/** The last element of the path; empty for an op that has only the path of its scope. */
function nameOf(node: Node, { scopeOf }: Drawing): string {
  const path = node.origin?.path ?? '';
  return path === scopeOf(node) ? '' : (path.split('.').at(-1) ?? '');
}

const tooltipOf = ({ nodes }: Card, { layers }: Drawing): string =>
  nodes
    .flatMap((node) => layers.get(node) ?? [])
    .map(({ path, op, params, macs, place }) => {
      const figures = [
        params > 0 ? `${formatInteger(params)} params` : '',
        macs > 0 ? `${formatInteger(macs)} MACs` : '',
      ];
      return [path, op, ...figures, place].filter((part) => part !== '').join('  ');
    })
    .join('\n');

function* edgesOf(
  cards: readonly Card[],
  users: ReadonlyMap<Node, readonly Node[]>,
  drawn: (node: Node) => string,
): Generator<string> {
  for (const card of cards) {
    for (const node of card.nodes) {
      for (const input of new Set(node.inputs)) {
        if (users.has(input) && !card.nodes.includes(input)) yield edge(drawn(input), drawn(node));
      }
    }
  }
}

const edge = (from: string, to: string): string => `  ${from} -> ${to};`;

/** `16x32x32`: sizes without the batch. */
function shapeOf({ type }: Node, { facts, batch }: Drawing): string {
  const [first = 1, ...rest] = type.shape;
  const sizes = batch !== undefined && formatDim(first) === batch ? rest : type.shape;
  return sizes.map((size) => sizeText(size, facts)).join('x');
}

const quote = (text: string): string =>
  `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`;

const escape = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
