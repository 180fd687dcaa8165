/** `prune-channels`: the graph without some of its channels, and which indices of each parameter it keeps. */
import { isConstant, isInput, isParameter } from '../../ir/leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node } from '../../ir/node.ts';
import { withInputs } from '../../ir/rewrite.ts';
import { analyzeChannels, type ChannelAnalysis, type ChannelMember } from './analyze.ts';
import { keptShapeOf, keptTensor, type ChannelRecord, type KeptAxes } from './record.ts';
import type { Kept } from './rule.ts';
import { channelRules } from './rules/index.ts';

export interface PrunedGraph {
  readonly graph: Graph;
  /** Relative to the graph that was pruned. */
  readonly kept: ChannelRecord;
}

/** Removes classes of channels. Throws a RangeError where an axis of a value would lose all it has. */
export function pruneChannels(analysis: ChannelAnalysis, removed: ReadonlySet<number>): PrunedGraph {
  const memory = new Map<Node, (readonly number[] | undefined)[]>();
  const kept: Kept = (node, axis) => {
    const known =
      memory.get(node) ?? node.type.shape.map((_, at) => keptIndices(analysis.classesOf(node, at), removed));
    memory.set(node, known);
    return known[axis];
  };
  const rebuilt = new Map<Node, Node>();
  const of = (node: Node): Node => rebuilt.get(node) ?? node;
  const record: Record<string, KeptAxes> = {};
  for (const node of topologicalOrder(analysis.graph)) {
    const axes = keptAxes(node, kept);
    if (isParameter(node) && Object.keys(axes).length > 0) record[node.attrs.name] = axes;
    rebuilt.set(node, smaller(node, node.inputs.map(of), axes, kept));
  }
  const { outputs, updates } = analysis.graph;
  const graph = makeGraph(
    Object.fromEntries(Object.entries(outputs).map(([name, node]) => [name, of(node)])),
    new Map([...updates].map(([state, next]) => [of(state), of(next)])),
  );
  return { graph, kept: record };
}

function keptIndices(
  classes: readonly number[] | undefined,
  removed: ReadonlySet<number>,
): readonly number[] | undefined {
  if (!classes?.some((id) => removed.has(id))) return undefined;
  const kept = [...classes.keys()].filter((index) => !removed.has(classes[index] ?? -1));
  if (kept.length === 0) throw new RangeError('a value would lose all of its channels');
  return kept;
}

const keptAxes = (node: Node, kept: Kept): KeptAxes =>
  Object.fromEntries(
    [...node.type.shape.keys()].flatMap((axis) => {
      const indices = kept(node, axis);
      return indices ? [[axis, indices] as const] : [];
    }),
  );

/** The node with what is left of its operands and of its own attributes. */
function smaller(node: Node, inputs: readonly Node[], axes: KeptAxes, kept: Kept): Node {
  const isWhole = Object.keys(axes).length === 0;
  if (isInput(node)) return node;
  if (isParameter(node)) {
    const shape = keptShapeOf(node.type.shape.map(Number), axes);
    return isWhole ? node : makeNode(node.op, [], { ...node.attrs, shape }, node.origin);
  }
  if (isConstant(node)) {
    return isWhole
      ? node
      : makeNode(node.op, [], { ...node.attrs, tensor: keptTensor(node.attrs.tensor, axes) }, node.origin);
  }
  if (isWhole && inputs.every((input, at) => input === node.inputs[at])) return node;
  const rebuild = channelRules.get(node.op.name)?.rebuild;
  return rebuild ? rebuild(node, inputs, kept) : withInputs(node, inputs);
}

/**
 * The pruned graph again, from its source and what was kept. Throws a RangeError where the record is not of this graph:
 * it names a parameter that the graph does not have, or keeps a part of what goes together.
 */
export function rebuildPruned(graph: Graph, record: ChannelRecord): PrunedGraph {
  const analysis = analyzeChannels(graph);
  const keeps = keptLookUp(record);
  const isGone = ({ parameter, axis, index }: ChannelMember): boolean => !keeps(parameter.attrs.name, axis, index);
  const removed = new Set(analysis.classes.filter(({ members }) => members.some(isGone)).map(({ id }) => id));
  const pruned = pruneChannels(analysis, removed);
  const wrong = [...new Set([...Object.keys(record), ...Object.keys(pruned.kept)])].find(
    (name) => !sameAxes(record[name] ?? {}, pruned.kept[name] ?? {}),
  );
  if (wrong === undefined) return pruned;
  throw new RangeError(`the record of kept channels does not fit the graph: it differs at ${wrong}`);
}

/** Whether a record keeps an index of an axis of a parameter. */
function keptLookUp(record: ChannelRecord): (name: string, axis: number, index: number) => boolean {
  const sets = new Map(
    Object.entries(record).flatMap(([name, axes]) =>
      Object.entries(axes).map(([axis, indices]) => [`${name}:${axis}`, new Set(indices)] as const),
    ),
  );
  return (name, axis, index) => sets.get(`${name}:${axis}`)?.has(index) ?? true;
}

function sameAxes(a: KeptAxes, b: KeptAxes): boolean {
  const axes = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...axes].every((axis) => a[axis]?.join() === b[axis]?.join());
}
