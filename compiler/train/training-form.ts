/** The training form of a model: batch norms take the moments of the batch, dropouts draw their masks. */
import { isParameter } from '../ir/leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node, type Origin } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { mergeOrigins, withInputs } from '../ir/rewrite.ts';
import { batchNorm, batchNormTraining, channelMoments, dropout, dropoutMask, mul } from '../ops/index.ts';
import { sizesOf, tensorOf } from './expressions.ts';
import { TrainingFault } from './training-fault.ts';

/** A batch norm whose running statistics follow the moments of its batches. */
export interface Normalisation {
  /** Names of the running statistics, each `[channels]`. */
  readonly mean: string;
  readonly variance: string;
  readonly channels: number;
  /** Weight of a new batch. */
  readonly momentum: number;
}

/** The batch norms of a model in order. Throws a TrainingFault where two of them share their running statistics. */
export function normalisationsOf(graph: Graph): Normalisation[] {
  const found: Normalisation[] = [];
  for (const node of topologicalOrder(graph)) {
    if (!isOp(node, batchNorm)) continue;
    const [, , , mean, variance] = node.inputs;
    if (!mean || !variance || !isParameter(mean) || !isParameter(variance)) {
      throw new TrainingFault(
        'model',
        'the running statistics of a batch norm are no parameters',
        'normalise with `bn`',
      );
    }
    const named = { mean: mean.attrs.name, variance: variance.attrs.name };
    if (found.some((each) => each.mean === named.mean || each.variance === named.variance)) {
      const message = `two batch norms share the running statistics ${named.mean}`;
      throw new TrainingFault('model', message, 'give each its own');
    }
    const [channels = 1] = sizesOf(mean);
    found.push({ ...named, channels, momentum: node.attrs.momentum });
  }
  return found;
}

/**
 * Throws a TrainingFault where a batch norm would normalise over a single value: it is its own mean, so that the variance
 * is zero and nothing of the value is left. PyTorch refuses it as well.
 */
export function checkNormalised(graph: Graph): void {
  for (const node of topologicalOrder(graph)) {
    const [x] = node.inputs;
    if (!isOp(node, batchNorm) || !x) continue;
    const sizes = sizesOf(x);
    if (sizes.reduce((product, size, axis) => (axis === 1 ? product : product * size), 1) > 1) continue;
    const path = node.origin?.path;
    const where = path ? `\`${path}\`` : 'a batch norm';
    const message = `${where} gets [${sizes.join(', ')}]: expected more than 1 value per channel when training`;
    throw new TrainingFault('batch', message, 'train with a larger batch or larger images');
  }
}

/** A graph with nodes replaced, inputs first; `replace` sees the inputs as they have become. */
export function substitute(graph: Graph, replace: (node: Node, inputs: readonly Node[]) => Node | undefined): Graph {
  const mapped = new Map<Node, Node>();
  const of = (node: Node): Node => mapped.get(node) ?? node;
  for (const node of topologicalOrder(graph)) {
    const inputs = node.inputs.map(of);
    mapped.set(node, replace(node, inputs) ?? withInputs(node, inputs));
  }
  return makeGraph(Object.fromEntries(Object.entries(graph.outputs).map(([name, node]) => [name, of(node)])));
}

export interface TrainingForm {
  readonly graph: Graph;
  /** `channelMoments` of each batch norm by the name of its running mean. */
  readonly moments: ReadonlyMap<string, Node>;
}

/**
 * Rewrites a graph of known sizes; `leaf` gives the value of a parameter, `rng` the `f32[1, 4]` input of dropout masks,
 * which is asked for only where there is dropout. Each dropout draws from a stream of its own.
 */
export function trainingForm(graph: Graph, leaf: (name: string) => Node | undefined, rng: () => Node): TrainingForm {
  const moments = new Map<string, Node>();
  let stream = 0;
  const replaced = substitute(graph, (node, inputs) => {
    if (isParameter(node)) return leaf(node.attrs.name);
    const [x, gamma, beta] = inputs;
    const origin = mergeOrigins([node], 'training-form');
    if (isOp(node, batchNorm) && x && gamma && beta) {
      const measured = makeNode(channelMoments, [x], {}, origin);
      const mean = node.inputs[3];
      if (mean && isParameter(mean)) moments.set(mean.attrs.name, measured);
      return makeNode(batchNormTraining, [x, measured, gamma, beta], { eps: node.attrs.eps }, origin);
    }
    if (isOp(node, dropout) && x)
      return dropped(x, node.attrs.p, () => drawMask(x, node.attrs.p, rng(), stream++, origin), origin);
    return undefined;
  });
  return { graph: replaced, moments };
}

const drawMask = (x: Node, p: number, rng: Node, stream: number, origin: Origin): Node =>
  makeNode(dropoutMask, [rng], { shape: sizesOf(x), p, stream }, origin);

/** Inverted dropout: what is kept is scaled by `1 / (1 - p)`. */
function dropped(x: Node, p: number, mask: () => Node, origin: Origin): Node {
  if (p === 0) return x;
  return makeNode(mul, [x, p === 1 ? tensorOf([], [0]) : mask()], {}, origin);
}
