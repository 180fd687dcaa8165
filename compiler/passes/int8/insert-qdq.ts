/** `insert-qdq`: quantize and dequantize around what integer ops will compute, weights as scaled i8 (ONNX's QDQ form). */
import { isConstant } from '../../ir/leaves.ts';
import { makeGraph, makeNode, topologicalOrder, type Graph, type Node } from '../../ir/node.ts';
import { mergeOrigins, withInputs } from '../../ir/rewrite.ts';
import { dequantize, mul, quantize } from '../../ops/index.ts';
import type { QuantizeAttrs } from '../../ops/quantize.ts';
import { constantNode } from '../constants.ts';
import type { Pass } from '../pass.ts';
import { planInt8, type Int8Plan, type PlanOptions } from './plan.ts';
import { scalesOf, type ScaleOptions } from './scales.ts';
import { quantizeWeight } from './weights.ts';

export type QdqOptions = PlanOptions &
  ScaleOptions & {
    /** One scale a weight instead of one an output. */
    readonly perTensorWeights?: boolean;
  };

const name = 'insert-qdq';

/** `mul(dequantize(i8 weight), scales)`: exact, so that lowering finds the very same integers. */
function scaledWeight(weight: Node, bias: Node | undefined, input: QuantizeAttrs, options: QdqOptions): Node {
  if (!isConstant(weight)) return weight;
  const { values, scales } = quantizeWeight(weight.attrs.tensor, {
    inputScale: input.scale,
    bias: bias && isConstant(bias) ? bias.attrs.tensor : undefined,
    perTensor: options.perTensorWeights ?? false,
  });
  const origin = mergeOrigins([weight], name);
  const integers = constantNode(values, weight.attrs.name, origin);
  const shape = weight.type.shape.map((size, axis) => (axis === 0 ? Number(size) : 1));
  const factors = constantNode({ dtype: 'f32', shape, data: scales }, '', origin);
  return makeNode(mul, [makeNode(dequantize, [integers], { scale: 1, zeroPoint: 0 }, origin), factors], {}, origin);
}

interface Rebuild {
  readonly plan: Int8Plan;
  readonly options: QdqOptions;
  readonly attrsOf: (node: Node | undefined) => QuantizeAttrs | undefined;
  /** Each node with its inputs rewritten, and the same behind quantize and dequantize where it is i8. */
  readonly plain: Map<Node, Node>;
  readonly rounded: Map<Node, Node>;
}

function roundTrip(node: Node, attrs: QuantizeAttrs): Node {
  const origin = mergeOrigins([node], name);
  return makeNode(dequantize, [makeNode(quantize, [node], attrs, origin)], attrs, origin);
}

function run(graph: Graph, options: QdqOptions): Graph {
  const plan = planInt8(graph, options);
  if (plan.groups.length === 0) return graph;
  const scales = scalesOf(plan, options);
  const attrsOf = (node: Node | undefined): QuantizeAttrs | undefined => {
    const scale = node && plan.scales.get(node);
    return scale === undefined ? undefined : scales.get(scale);
  };
  const rebuild: Rebuild = { plan, options, attrsOf, plain: new Map(), rounded: new Map() };
  const inside = new Set(plan.groups.flatMap(({ members }) => [...members]));
  const cores = new Set(plan.groups.flatMap(({ kind, core }) => (kind === 'convolution' ? [core] : [])));
  const of = (input: Node, isInteger: boolean): Node => {
    const [plain = input, rounded] = [rebuild.plain.get(input), rebuild.rounded.get(input)];
    // What float32 computes, float32 also reads as it is.
    const isMade = inside.has(input) || (input.inputs.length > 0 && plan.scales.has(input) && !isFloat.has(input));
    return rounded && (isInteger || isMade) ? rounded : plain;
  };
  const isFloat = new Set(plan.floats.map(({ node }) => node));
  for (const node of topologicalOrder(graph)) {
    const isInteger = inside.has(node) || (plan.scales.has(node) && !isFloat.has(node));
    const inputs = node.inputs.map((input) => of(input, isInteger));
    const [, weight, bias] = inputs;
    const given = attrsOf(node.inputs[0]);
    if (cores.has(node) && weight && given) inputs[1] = scaledWeight(weight, bias, given, options);
    const plain = withInputs(node, inputs);
    const attrs = attrsOf(node);
    rebuild.plain.set(node, plain);
    if (attrs) rebuild.rounded.set(node, roundTrip(plain, attrs));
  }
  const outputs = Object.entries(graph.outputs).map(([key, node]) => [key, of(node, false)] as const);
  return makeGraph(Object.fromEntries(outputs), graph.updates);
}

/** Expects a graph that `int8Preparation` has made. Throws a RangeError where a point has no range. */
export const insertQdq: Pass<QdqOptions> = {
  name,
  summary: 'quantize and dequantize around what integer ops will compute',
  run,
};
