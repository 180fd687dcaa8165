/**
 * `recompute`: values of the forward part that the backward part reads are computed a second time from the boundaries of
 * segments instead of being kept (Chen et al. 2016). It runs last, when a node is a kernel: the copies are the same ops on
 * the same operands and so give the same bits. `after` holds each back until the gradient of its segment is there.
 */
import { isConstant } from '../ir/leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { mergeOrigins, withInputs } from '../ir/rewrite.ts';
import { after, packWeights } from '../ops/index.ts';
import type { Pass } from './pass.ts';
import { forwardPart, type ForwardPart, type Segment, type Segmentation } from './rules/segments.ts';

const name = 'recompute';

export interface RecomputeOptions {
  /** Outputs that end the forward part. */
  readonly forward: readonly string[];
  /** From `segmentations` of the same graph. */
  readonly segmentation: Segmentation;
}

/** The nodes that depend on one of `sources`, those included. */
function dependants(order: readonly Node[], sources: ReadonlySet<Node>): Set<Node> {
  const found = new Set<Node>();
  for (const node of order) if (sources.has(node) || node.inputs.some((input) => found.has(input))) found.add(node);
  return found;
}

function depths(order: readonly Node[]): ReadonlyMap<Node, number> {
  const depth = new Map<Node, number>();
  for (const node of order) depth.set(node, 1 + Math.max(-1, ...node.inputs.map((input) => depth.get(input) ?? 0)));
  return depth;
}

/**
 * The value that tells that the backward part has come to a segment: what its readers read besides it. Of several the
 * deepest. It must not come from readers of this segment or an earlier one, lest two segments wait for each other.
 */
function signalOf(
  order: readonly Node[],
  { indexOf }: ForwardPart,
  readers: readonly Node[],
  barred: ReadonlySet<Node>,
): Node | undefined {
  const depth = depths(order);
  const depthOf = (node: Node): number => depth.get(node) ?? 0;
  const candidates = readers
    .flatMap(({ inputs }) => inputs)
    .filter((input) => input.inputs.length > 0 && !indexOf.has(input) && !barred.has(input));
  return candidates.reduce<Node | undefined>(
    (best, node) => (best && depthOf(best) >= depthOf(node) ? best : node),
    undefined,
  );
}

/** The operands of a copy; where all are kept, one of them waits. */
function operandsOf(node: Node, copies: ReadonlyMap<Node, Node>, signal: Node | undefined): readonly Node[] {
  const inputs = node.inputs.map((input) => copies.get(input) ?? input);
  if (!signal || inputs.some((input, at) => input !== node.inputs[at])) return inputs;
  // Kernels read packed weights in an order of their own, and tell them by their op.
  const waiting = inputs.findIndex((input) => !isConstant(input) && !isOp(input, packWeights));
  return inputs.map((input, at) => (at === waiting ? makeNode(after, [input, signal], {}, node.origin) : input));
}

function copySegment({ copies }: Segment, signal: Node | undefined): Map<Node, Node> {
  const made = new Map<Node, Node>();
  for (const node of copies) {
    made.set(node, makeNode(node.op, operandsOf(node, made, signal), node.attrs, mergeOrigins([node], name)));
  }
  return made;
}

/** Makes the backward part read copies of a segment's values. */
function redirect(graph: Graph, part: ForwardPart, segments: readonly Segment[], at: number): Graph {
  const order = topologicalOrder(graph);
  const readersOf = ({ copies }: Segment): Node[] => {
    const values = new Set(copies);
    return order.filter((node) => !part.indexOf.has(node) && node.inputs.some((input) => values.has(input)));
  };
  const segment = segments[at];
  if (!segment) return graph;
  const readers = new Set(readersOf(segment));
  const barred = dependants(order, new Set(segments.slice(0, at + 1).flatMap(readersOf)));
  const copies = copySegment(segment, signalOf(order, part, [...readers], barred));
  const mapped = new Map<Node, Node>();
  const of = (node: Node): Node => mapped.get(node) ?? node;
  for (const node of order) {
    if (!barred.has(node)) continue;
    const inputs = node.inputs.map((input) => (readers.has(node) ? copies.get(input) : undefined) ?? of(input));
    mapped.set(node, withInputs(node, inputs));
  }
  return makeGraph(
    Object.fromEntries(Object.entries(graph.outputs).map(([output, node]) => [output, of(node)])),
    new Map([...graph.updates].map(([state, next]) => [state, of(next)])),
  );
}

export const recompute: Pass<RecomputeOptions> = {
  name,
  summary: 'compute values again in the backward part instead of keeping them',
  run(graph, { forward, segmentation: { dropped } }) {
    const part = forwardPart(graph, forward);
    let current = graph;
    // The backward part meets the last segment first.
    for (let at = dropped.length - 1; at >= 0; at--) current = redirect(current, part, dropped, at);
    return current;
  },
};
