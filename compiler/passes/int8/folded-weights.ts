/** The weights of a network with its batch norms folded into them, for the network as it is declared. */
import { isConstant, isParameter } from '../../ir/leaves.ts';
import { rootsOf, topologicalOrder, usersOf, type Graph, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { Tensor } from '../../ir/type.ts';
import { batchNorm } from '../../ops/index.ts';
import { bindParameters } from '../bind-parameters.ts';
import { foldBatchNorm } from '../fold-batch-norm.ts';
import { simplify } from '../simplify.ts';

export interface FoldedWeights {
  /** All parameters by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** Where the bias of a layer now lies: by the name of its weight, that of its batch norm's beta. */
  readonly biases: ReadonlyMap<string, string>;
}

interface Pair {
  readonly weight: string;
  /** The layer's own bias, which becomes zero. */
  readonly bias: string | undefined;
  readonly norm: readonly [gamma: string, beta: string, mean: string, variance: string];
  readonly eps: number;
}

const isLayer = ({ op }: Node): boolean => op.traits?.kind === 'layer';

/** The layers that fold, none of whose parameters anything else reads. */
function pairsOf(graph: Graph): Pair[] {
  const [users, roots] = [usersOf(graph), new Set(rootsOf(graph))];
  const owned = (node: Node | undefined): string | undefined =>
    node && isParameter(node) && users.get(node)?.length === 1 ? node.attrs.name : undefined;
  return topologicalOrder(graph).flatMap((node): Pair[] => {
    const [layer, ...rest] = node.inputs;
    if (!isOp(node, batchNorm) || !layer || !isLayer(layer)) return [];
    const isSole = users.get(layer)?.length === 1 && !roots.has(layer);
    const [weight, bias] = [owned(layer.inputs[1]), owned(layer.inputs[2])];
    const [gamma, beta, mean, variance] = rest.map(owned);
    if (!isSole || !weight || (layer.inputs[2] && !bias) || !gamma || !beta || !mean || !variance) return [];
    return [{ weight, bias, norm: [gamma, beta, mean, variance], eps: node.attrs.eps }];
  });
}

/**
 * Weights that make the declared network compute the same, but whose batch norms only add a bias: gamma 1, mean 0,
 * variance `1 - eps`. Folding them again leaves the layers' weights bit for bit, because `1 / sqrt(f32(1 - eps) + eps)`
 * is within 2^-26 of one.
 */
export function foldedWeights(graph: Graph, parameters: ReadonlyMap<string, Tensor>): FoldedWeights {
  const bound = foldBatchNorm.run(simplify.run(bindParameters.run(graph, { parameters })));
  const layers = new Map<string, Node>();
  for (const node of topologicalOrder(bound)) {
    const weight = isLayer(node) ? node.inputs[1] : undefined;
    if (weight && isConstant(weight)) layers.set(weight.attrs.name, node);
  }
  const weights = new Map(parameters);
  const biases = new Map<string, string>();
  for (const { weight, bias, norm, eps } of pairsOf(simplify.run(graph))) {
    const [, folded, shift] = layers.get(weight)?.inputs ?? [];
    if (!folded || !shift || !isConstant(folded) || !isConstant(shift)) continue;
    const [gamma, beta, mean, variance] = norm;
    const { tensor } = shift.attrs;
    const filled = (value: number): Tensor => ({ ...tensor, data: new Float32Array(tensor.data.length).fill(value) });
    weights.set(weight, folded.attrs.tensor);
    if (bias) weights.set(bias, filled(0));
    weights
      .set(gamma, filled(1))
      .set(beta, tensor)
      .set(mean, filled(0))
      .set(variance, filled(1 - eps));
    biases.set(weight, beta);
  }
  return { weights, biases };
}
