/** The training form of an int8 network: float32 that rounds as the integers will (Jacob et al. 2018, section 3). */
import { isConstant } from '../ir/leaves.ts';
import { makeNode, type Graph, type Node, type Origin } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { mergeOrigins, rewriteGraph } from '../ir/rewrite.ts';
import type { Tensor } from '../ir/type.ts';
import { conv2d, dequantize, fakeQuantize, linear, mul, parameter, quantize, reduceMax } from '../ops/index.ts';
import { choose, filled, magnitude, over, sizesOf } from './expressions.ts';

export interface QuantizedFormOptions {
  /** Values of the parameters at the start: what a constant must equal to be one. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** By the name of a layer's weight: the parameter that its bias is, where that has another name. */
  readonly biases: ReadonlyMap<string, string>;
  /** One scale a weight instead of one an output. */
  readonly perTensorWeights?: boolean | undefined;
}

const pass = 'quantized-form';

const constantsLike = (rank: number, value: number): Node =>
  filled(
    Array.from({ length: rank }, () => 1),
    value,
  );

/** The parameter of a name, one node for all its readers. */
type ParameterOf = (name: string, start: Tensor, origin: Origin | undefined) => Node;

function parameterTable(): ParameterOf {
  const made = new Map<string, Node>();
  return (name, { shape }, origin) => {
    const attrs = { name, dtype: 'f32', shape, init: { kind: 'zeros' } } as const;
    const node = made.get(name) ?? makeNode(parameter, [], attrs, origin);
    made.set(name, node);
    return node;
  };
}

interface Rebuild extends QuantizedFormOptions {
  readonly parameterOf: ParameterOf;
}

/** A constant as the parameter that it came from; undefined where passes have made something else of it. */
function learned(node: Node | undefined, name: string, { weights, parameterOf }: Rebuild): Node | undefined {
  const start = weights.get(name);
  if (!node || !start || !isConstant(node) || start.shape.join() !== node.attrs.tensor.shape.join()) return undefined;
  const { data } = node.attrs.tensor;
  if (!start.data.every((value, at) => Math.fround(value) === Math.fround(data[at] ?? NaN))) return undefined;
  return parameterOf(name, start, node.origin);
}

/** `max|w| / 127` over each output's slice, from the weights of the moment; 1 where they are all zero. */
function weightScale(weight: Node, perTensor: boolean): Node {
  const axes = [...sizesOf(weight).keys()].slice(perTensor ? 0 : 1);
  const largest = makeNode(reduceMax, [magnitude(weight)], { axes, keepDims: true });
  return choose(largest, over(largest, 127), 1);
}

/** `mul(dequantize(i8 weight), scales)`, as insert-qdq writes it, with the weight's name. */
function weightName(node: Node): string | undefined {
  const [integers, scales] = node.inputs;
  const [steps] = integers?.inputs ?? [];
  const isWeight = isOp(node, mul) && integers && isOp(integers, dequantize) && scales && isConstant(scales);
  return isWeight && steps && isConstant(steps) && steps.attrs.tensor.dtype === 'i8' ? steps.attrs.name : undefined;
}

function fakeWeight(node: Node, name: string, rebuild: Rebuild): Node | undefined {
  const start = rebuild.weights.get(name);
  // Passes may have changed the form of a weight; it then keeps its integers.
  if (!start || start.shape.join() !== node.type.shape.map(Number).join()) return undefined;
  const weight = rebuild.parameterOf(name, start, mergeOrigins([node]));
  const scale = weightScale(weight, rebuild.perTensorWeights ?? false);
  return makeNode(fakeQuantize, [weight, scale, constantsLike(start.shape.length, 0)], { min: -127, max: 127 });
}

/** `dequantize(quantize(x))` of one scale. */
function fakeValue(node: Node): Node | undefined {
  const [steps] = node.inputs;
  const [x] = steps?.inputs ?? [];
  if (!isOp(node, dequantize) || !steps || !x || !isOp(steps, quantize)) return undefined;
  const rank = x.type.shape.length;
  const operands = [x, constantsLike(rank, node.attrs.scale), constantsLike(rank, node.attrs.zeroPoint)];
  return makeNode(fakeQuantize, operands, { min: -128, max: 127 });
}

/** Layers in float32, and the biases of all. */
function withLearned(node: Node, original: Node, rebuild: Rebuild): Node | undefined {
  if (!isOp(node, conv2d) && !isOp(node, linear)) return undefined;
  const [x, weight, bias] = node.inputs;
  const source = original.inputs[1];
  if (!x || !weight || !source) return undefined;
  const name = weightName(source) ?? (isConstant(source) ? source.attrs.name : '');
  const own = learned(weight, name, rebuild) ?? weight;
  const biasName = rebuild.biases.get(name) ?? (bias && isConstant(bias) ? bias.attrs.name : '');
  const shift = learned(bias, biasName, rebuild) ?? bias;
  return makeNode(node.op, [x, own, ...(shift ? [shift] : [])], node.attrs);
}

/**
 * From what `insert-qdq` made of a network: scales and zero points of values stay as they are, weights and biases are
 * parameters again. What has no name of a parameter, or not its value, stays a constant and is not trained.
 */
export function quantizedForm(graph: Graph, options: QuantizedFormOptions): Graph {
  const rebuild: Rebuild = { ...options, parameterOf: parameterTable() };
  const visit = (node: Node, original: Node): Node | undefined => {
    const name = weightName(original);
    if (name !== undefined) return fakeWeight(node, name, rebuild);
    return fakeValue(node) ?? withLearned(node, original, rebuild);
  };
  return rewriteGraph(graph, visit, pass);
}
