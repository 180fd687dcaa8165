/** The law of pruning: the smaller network computes what the whole one computes with the readers' slices at zero. */
import { evaluateGraph } from '../../../compiler/ir/evaluate.ts';
import { isConstant, isInput, isParameter, type ParameterAttrs } from '../../../compiler/ir/leaves.ts';
import { makeNode, topologicalOrder, type Graph, type Node } from '../../../compiler/ir/node.ts';
import { rewriteGraph } from '../../../compiler/ir/rewrite.ts';
import { elementCount, type Tensor } from '../../../compiler/ir/type.ts';
import { verifyGraph } from '../../../compiler/ir/verify.ts';
import { ops, parameter } from '../../../compiler/ops/index.ts';
import {
  analyzeChannels,
  keptWeights,
  pruneChannels,
  rebuildPruned,
  type ChannelAnalysis,
  type ChannelRecord,
} from '../../../compiler/passes/channels/index.ts';
import { relativeDifference } from '../../../compiler/passes/verify-pass.ts';
import { noise } from '../../ops/check-op.ts';

export interface Network {
  readonly graph: Graph;
  readonly weights: ReadonlyMap<string, Tensor>;
}

/** Random generator of whole numbers below a bound. */
export function drawer(seed: number): (below: number) => number {
  let state = (seed + 1) * 2654435761;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Constants of one axis or more as parameters, as they are before weights are bound. */
export function withParameters(graph: Graph): Network {
  const weights = new Map<string, Tensor>();
  const learnt = rewriteGraph(
    graph,
    (node) => {
      if (!isConstant(node) || node.attrs.tensor.shape.length === 0) return undefined;
      const { tensor } = node.attrs;
      const name = `p${weights.size}`;
      weights.set(name, { ...tensor, data: Float64Array.from(tensor.data) });
      return makeNode(parameter, [], { name, dtype: 'f32', shape: tensor.shape, init: { kind: 'zeros' } });
    },
    'test',
  );
  return { graph: learnt, weights };
}

/** Weights of a model's parameters: variances positive, others within the bound that keeps activations alike. */
export function drawWeights(graph: Graph, seed: number): Network {
  const weights = new Map<string, Tensor>();
  for (const node of topologicalOrder(graph).filter(isParameter)) {
    const shape = node.attrs.shape.map(Number);
    const bound = Math.sqrt(3 / Math.max(1, elementCount(shape.slice(1))));
    const range = node.attrs.init.kind === 'ones' ? ([0.5, 1.5] as const) : ([-bound, bound] as const);
    weights.set(node.attrs.name, noise(shape, seed + weights.size, range));
  }
  return { graph, weights };
}

/** Some share of all classes, such that no axis loses everything. */
export function drawRemoved(analysis: ChannelAnalysis, seed: number, share: number): Set<number> {
  const draw = drawer(seed);
  const left = analysis.axes.map((classes) => new Set(classes).size);
  const axesOf = new Map<number, number[]>();
  for (const [axis, classes] of analysis.axes.entries()) {
    for (const id of new Set(classes)) axesOf.set(id, [...(axesOf.get(id) ?? []), axis]);
  }
  const removed = new Set<number>();
  for (const { id } of analysis.classes) {
    const axes = axesOf.get(id) ?? [];
    if (draw(1000) >= share * 1000 || axes.some((axis) => (left[axis] ?? 0) < 2)) continue;
    for (const axis of axes) left[axis] = (left[axis] ?? 0) - 1;
    removed.add(id);
  }
  return removed;
}

/** The axis of a weight that counts the channels which a layer sums over; undefined where it sums over none. */
function summedAxis(reader: Node, weight: Node): number | undefined {
  if (reader.inputs[1] !== weight) return undefined;
  const groups = Number(reader.attrs['groups'] ?? 1);
  const channels = Number(reader.inputs[0]?.type.shape[1]);
  if (reader.op.name === 'linear') return 1;
  if (reader.op.name === 'conv2d') return groups > 1 && groups === channels ? undefined : 1;
  if (reader.op.name === 'convTranspose2d') return groups > 1 && groups === channels ? undefined : 0;
  return undefined;
}

/** The weights of the whole network, with zeros where layers read removed channels. */
function silenced({ graph, weights }: Network, record: ChannelRecord): Map<string, Tensor> {
  const silent = new Map(weights);
  for (const reader of topologicalOrder(graph)) {
    const weight = reader.inputs[1];
    if (!weight || !isParameter(weight)) continue;
    const axis = summedAxis(reader, weight);
    const kept = axis === undefined ? undefined : record[weight.attrs.name]?.[axis];
    const tensor = silent.get(weight.attrs.name);
    if (axis === undefined || !kept || !tensor) continue;
    const inner = elementCount(tensor.shape.slice(axis + 1));
    const size = tensor.shape[axis] ?? 1;
    const isKept = Array.from({ length: size }, () => false);
    for (const index of kept) isKept[index] = true;
    const data = Float64Array.from(tensor.data);
    for (let at = 0; at < data.length; at++) if (!isKept[Math.floor(at / inner) % size]) data[at] = 0;
    silent.set(weight.attrs.name, { ...tensor, data });
  }
  return silent;
}

export function imagesOf(graph: Graph, sizes: Readonly<Record<string, number>>): Record<string, Tensor> {
  const inputs = topologicalOrder(graph).filter(isInput);
  return Object.fromEntries(
    inputs.map((node, index) => {
      const shape = node.type.shape.map((dim) => {
        if (typeof dim === 'number') return dim;
        return dim.terms.reduce(
          (sum, { coefficient, symbols }) =>
            sum + symbols.reduce((product, symbol) => product * (sizes[symbol] ?? 2), coefficient),
          0,
        );
      });
      return [node.attrs.name, noise(shape, 77 + index)];
    }),
  );
}

export interface PrunedCase {
  readonly removed: number;
  readonly record: ChannelRecord;
  readonly pruned: Graph;
}

/** Prunes and compares; returns what is wrong, undefined where nothing is, and what was pruned. A check of the
 * structure alone evaluates nothing. */
export function checkPruning(
  network: Network,
  removedOf: (analysis: ChannelAnalysis) => ReadonlySet<number>,
  sizes: Readonly<Record<string, number>> = {},
  isStructure = false,
): PrunedCase & { readonly fault: string | undefined } {
  const { graph, weights } = network;
  const analysis = analyzeChannels(graph);
  const removed = removedOf(analysis);
  const { graph: pruned, kept: record } = pruneChannels(analysis, removed);
  const result = { removed: removed.size, record, pruned };
  const faults = verifyGraph(pruned, ops);
  if (faults.length > 0) return { ...result, fault: faults.join('\n') };
  const smaller = keptWeights(weights, record);
  for (const node of topologicalOrder(pruned)) {
    if (!isParameter(node)) continue;
    const [wanted, actual] = [shapeOf(node), smaller.get(node.attrs.name)?.shape.join()];
    if (wanted !== actual) return { ...result, fault: `${node.attrs.name} is [${actual}], not [${wanted}]` };
  }
  const again = rebuildPruned(graph, structuredClone(record));
  if (JSON.stringify(again.kept) !== JSON.stringify(record)) return { ...result, fault: 'the record does not rebuild' };
  if (isStructure) return { ...result, fault: undefined };
  const images = imagesOf(graph, sizes);
  const wanted = evaluateGraph(graph, images, { parameters: Object.fromEntries(silenced(network, record)) });
  const actual = evaluateGraph(pruned, images, { parameters: Object.fromEntries(smaller) });
  for (const [name, value] of Object.entries(wanted)) {
    const other = actual[name];
    const difference = other ? relativeDifference(value, other) : Infinity;
    if (difference > 1e-9) return { ...result, fault: `the output ${name} differs by ${difference}` };
  }
  return { ...result, fault: undefined };
}

const shapeOf = (node: Node<ParameterAttrs>): string => node.attrs.shape.map(Number).join();
