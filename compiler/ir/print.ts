/** The text form of the IR; `parse.ts` reads it back. */
import { positionAt } from '../../grammar/source.ts';
import { isGraph, isList, isSymbolicDim, isTensor } from './attributes.ts';
import { formatDim } from './dim.ts';
import { topologicalOrder, type Graph, type Node, type Origin } from './node.ts';
import type { Attrs, AttrValue } from './op.ts';
import { formatNumber, formatTensor } from './tensor-literal.ts';
import { formatType } from './type.ts';

export interface PrintOptions {
  /** Also print source places, parameter scopes and passes: ` @ "model.cnn":3:5 path "stem" by simplify`. */
  readonly origins?: boolean;
  /** Print large constants as a digest; such text is for reading and does not parse back. */
  readonly elideLarge?: boolean;
}

function formatValue(value: AttrValue, indent: string, options: PrintOptions): string {
  if (typeof value === 'number') return formatNumber(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map((item) => formatValue(item, indent, options)).join(', ')}]`;
  if (isGraph(value)) return formatGraph(value, indent, options);
  if (isTensor(value)) return formatTensor(value, options.elideLarge ?? false);
  if (isSymbolicDim(value)) return formatDim(value);
  return formatAttrs(value, indent, options);
}

function formatAttrs(attrs: { readonly [key: string]: AttrValue }, indent: string, options: PrintOptions): string {
  const entries = Object.entries(attrs).map(([key, value]) => `${key}: ${formatValue(value, indent, options)}`);
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

function formatOrigin(origin: Origin): string {
  const spans = origin.spans.map((span) => {
    const { line, column } = positionAt(span.file, span.start);
    return `${JSON.stringify(span.file.path)}:${line}:${column}`;
  });
  const path = origin.path === '' ? '' : ` path ${JSON.stringify(origin.path)}`;
  const passes =
    origin.passes.length === 0 ? '' : ` by ${origin.passes.map((pass) => JSON.stringify(pass)).join(', ')}`;
  return ` @${spans.length === 0 ? '' : ` ${spans.join(', ')}`}${path}${passes}`;
}

const hasAttrs = (attrs: Attrs): boolean => Object.keys(attrs).length > 0;

function formatGraph(graph: Graph, indent: string, options: PrintOptions): string {
  const inner = `${indent}  `;
  const order = topologicalOrder(graph);
  const names = new Map(order.map((node, at) => [node, `%${at}`]));
  const nameOf = (node: Node): string => names.get(node) ?? '%?';
  const lines = order.map((node) => {
    const attrs = hasAttrs(node.attrs) ? ` ${formatAttrs(node.attrs, inner, options)}` : '';
    // A leaf's attributes state its type already.
    const type = node.inputs.length === 0 ? '' : ` : ${formatType(node.type)}`;
    const origin = options.origins && node.origin ? formatOrigin(node.origin) : '';
    return `${nameOf(node)} = ${node.op.name}(${node.inputs.map(nameOf).join(', ')})${attrs}${type}${origin}`;
  });
  for (const [name, node] of Object.entries(graph.outputs))
    lines.push(`output ${JSON.stringify(name)} = ${nameOf(node)}`);
  for (const [state, next] of graph.updates) lines.push(`update ${nameOf(state)} = ${nameOf(next)}`);
  return `graph {\n${lines.map((line) => `${inner}${line}\n`).join('')}${indent}}`;
}

/**
 * The graph as text, one node a line in topological order:
 * `%2 = conv2d(%0, %1) { stride: [1, 1], ... } : f32[N, 8, 4, 4]`.
 */
export const printGraph = (graph: Graph, options: PrintOptions = {}): string => `${formatGraph(graph, '', options)}\n`;
