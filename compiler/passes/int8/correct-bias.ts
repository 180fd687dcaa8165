/** `correct-bias`: biases take up the mean error of rounded weights (Nagel et al. 2019, 4.2, measured on data). */
import { isConstant } from '../../ir/leaves.ts';
import { makeGraph, makeNode, type Graph, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { mergeOrigins, rewriteGraph } from '../../ir/rewrite.ts';
import type { Tensor } from '../../ir/type.ts';
import { conv2d, globalAveragePool, reshape } from '../../ops/index.ts';
import { constantNode } from '../constants.ts';
import type { Pass } from '../pass.ts';
import type { IntegerGroup } from './groups.ts';
import { planInt8, type Int8Plan } from './plan.ts';
import { scalesOf } from './scales.ts';
import { quantizeWeight } from './weights.ts';
import type { QdqOptions } from './insert-qdq.ts';

const name = 'correct-bias';

export interface BiasOptions {
  /** Mean error of each output of a layer, by key of its point; it is taken off the bias. */
  readonly biasErrors: Readonly<Record<string, readonly number[]>>;
}

const convolutions = ({ groups }: Int8Plan): IntegerGroup[] => groups.filter(({ kind }) => kind === 'convolution');

/** What rounding changes of a weight: `q * scale - w`. */
function roundingOf(weight: Tensor, bias: Tensor | undefined, inputScale: number, perTensor: boolean): Tensor {
  const { values, scales } = quantizeWeight(weight, { inputScale, bias, perTensor });
  const length = weight.data.length / scales.length;
  const data = Float32Array.from(
    values.data,
    (q, at) => q * (scales[Math.floor(at / length)] ?? 1) - (weight.data[at] ?? 0),
  );
  return { ...weight, data };
}

/** The layer with `rounding` for weights on the values that float32 gives it, as means `[N, O]` over all pixels. */
function meanError(core: Node, rounding: Tensor): Node {
  const [x = core] = core.inputs;
  const errors = makeNode(core.op, [x, constantNode(rounding)], core.attrs, core.origin);
  if (!isOp(core, conv2d)) return errors;
  return makeNode(reshape, [makeNode(globalAveragePool, [errors], {})], { shape: core.type.shape.slice(0, 2) });
}

/**
 * A graph whose outputs are the mean errors of each layer's sums on one sample, by key: `E[(q * scale - w) x]` with the x
 * of float32, so that each layer answers for its own rounding only, and one pass over the data measures all.
 */
export function biasErrorGraph(graph: Graph, options: QdqOptions): Graph {
  const plan = planInt8(graph, options);
  const scales = scalesOf(plan, options);
  const outputs = convolutions(plan).flatMap(({ core, exit }): [string, Node][] => {
    const [x, weight, bias] = core.inputs;
    const scale = x && plan.scales.get(x);
    const input = scale === undefined ? undefined : scales.get(scale);
    if (!input || !weight || !isConstant(weight)) return [];
    const biasTensor = bias && isConstant(bias) ? bias.attrs.tensor : undefined;
    const rounding = roundingOf(weight.attrs.tensor, biasTensor, input.scale, options.perTensorWeights ?? false);
    return [[plan.names.key(exit), meanError(core, rounding)]];
  });
  return makeGraph(Object.fromEntries(outputs));
}

function run(graph: Graph, { biasErrors }: BiasOptions): Graph {
  const plan = planInt8(graph);
  const keys = new Map(convolutions(plan).map(({ core, exit }) => [core, plan.names.key(exit)]));
  return rewriteGraph(
    graph,
    (node, original) => {
      const errors = biasErrors[keys.get(original) ?? ''];
      const [x, weight, bias] = node.inputs;
      if (!errors || !x || !weight || (bias && !isConstant(bias))) return undefined;
      const old = bias && isConstant(bias) ? bias.attrs : undefined;
      const data = Float64Array.from(errors, (error, output) => (old?.tensor.data[output] ?? 0) - error);
      const tensor: Tensor = { dtype: 'f32', shape: [data.length], data };
      const corrected = constantNode(tensor, old?.name ?? '', bias?.origin);
      return makeNode(node.op, [x, weight, corrected], node.attrs, mergeOrigins([node]));
    },
    name,
  );
}

export const correctBias: Pass<BiasOptions> = {
  name,
  summary: 'take the mean error of rounded weights off the biases',
  run,
};
