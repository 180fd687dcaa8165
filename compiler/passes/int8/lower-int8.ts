/** `lower-int8`: what stands between dequantize and quantize becomes one integer op. */
import { dimsEqual, shapesEqual } from '../../ir/dim.ts';
import { isConstant } from '../../ir/leaves.ts';
import { makeNode, rootsOf, usersOf, type Graph, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import { rewriteGraph } from '../../ir/rewrite.ts';
import type { Tensor } from '../../ir/type.ts';
import {
  add,
  conv2d,
  dequantize,
  linear,
  lookUp,
  mul,
  pad,
  quantize,
  quantizedAdd,
  quantizedAveragePool,
  quantizedConv2d,
  quantizedMul,
  reshape,
  selectChannels,
  sub,
} from '../../ops/index.ts';
import type { QuantizeAttrs } from '../../ops/quantize.ts';
import type { Interval } from '../../ops/rules/clamp.ts';
import type { Clamp } from '../../ops/rules/integer.ts';
import type { Pass } from '../pass.ts';
import { fixedPoint, lowerConvolution, stepsOf, type Steps } from './lower-convolution.ts';
import { meanWindow } from './mean-window.ts';
import { keepsScale } from './movement.ts';
import { clampOf, functionOf, unaryPath } from './unary.ts';

const name = 'lower-int8';

/** The steps of real values, as the op counts them. */
function quantized(values: Float64Array, attrs: QuantizeAttrs): Int8Array {
  const tensor: Tensor = { dtype: 'f32', shape: [values.length], data: values };
  return Int8Array.from(quantize.evaluate([tensor], attrs).data);
}

/** A clamp of reals as one of steps: quantize is monotone, so the two commute. */
function clampIn({ min, max }: Interval, attrs: QuantizeAttrs): Clamp {
  const [low = -128, high = 127] = quantized(Float64Array.of(min, max), attrs);
  return { outputZero: attrs.zeroPoint, min: low, max: high };
}

/** A function of one i8 value, as its 256 results. */
function lowerFunction({ q, attrs }: Steps, from: Node, path: readonly Node[], output: QuantizeAttrs): Node {
  const all: Tensor = { dtype: 'i8', shape: [256], data: Int8Array.from({ length: 256 }, (_, index) => index - 128) };
  const reals = Float64Array.from(dequantize.evaluate([all], attrs).data);
  const data = quantized(functionOf(from, path)(reals), output);
  return makeNode(lookUp, [q], { table: { dtype: 'i8', shape: [256], data } });
}

function lowerSum(core: Node, output: QuantizeAttrs, clamp: Clamp): Node | undefined {
  const isDifference = isOp(core, sub);
  const [first, second] = core.inputs;
  if ((!isDifference && !isOp(core, add)) || !first || !second) return undefined;
  const [a, b] = [stepsOf(first), stepsOf(second)];
  const secondSign = isDifference ? -1 : 1;
  if (!a && b) {
    const residual = { ...b, sign: secondSign, convolutionSign: 1 };
    return lowerConvolution(first, residual, output, clamp);
  }
  if (a && !b) return lowerConvolution(second, { ...a, sign: 1, convolutionSign: secondSign }, output, clamp);
  if (!a || !b || !shapesEqual(a.q.type.shape, b.q.type.shape)) return undefined;
  const fixed = fixedPoint([a.attrs.scale / output.scale, (secondSign * b.attrs.scale) / output.scale]);
  if (!fixed) return undefined;
  const [aMultiplier = 0, bMultiplier = 0] = fixed.multipliers;
  const zeros = { aZero: a.attrs.zeroPoint, bZero: b.attrs.zeroPoint };
  return makeNode(quantizedAdd, [a.q, b.q], { ...zeros, aMultiplier, bMultiplier, shift: fixed.shift, ...clamp });
}

/** A multiplier in float32; too small a one, which would make every result zero, is left to float32. */
function multiplierOf(value: number): number | undefined {
  const rounded = Math.fround(value);
  return rounded >= 2 ** -126 && Number.isFinite(rounded) ? rounded : undefined;
}

function lowerProduct(core: Node, output: QuantizeAttrs, clamp: Clamp): Node | undefined {
  const inputs = core.inputs.map(stepsOf);
  const [first, second] = inputs;
  if (!isOp(core, mul) || !first || !second) return undefined;
  const isMap = ({ q }: Steps): boolean => shapesEqual(q.type.shape, core.type.shape);
  const [a, b] = isMap(first) ? [first, second] : [second, first];
  const multiplier = multiplierOf((a.attrs.scale * b.attrs.scale) / output.scale);
  if (!isMap(a) || multiplier === undefined) return undefined;
  const zeros = { aZero: a.attrs.zeroPoint, bZero: b.attrs.zeroPoint };
  return makeNode(quantizedMul, [a.q, b.q], { ...zeros, multiplier, ...clamp });
}

function lowerMean(core: Node, output: QuantizeAttrs, clamp: Clamp): Node | undefined {
  const [x, window] = [stepsOf(core.inputs[0]), meanWindow(core)];
  if (!x || !window) return undefined;
  const cells = window.kernel[0] * window.kernel[1];
  const multiplier = multiplierOf(x.attrs.scale / (output.scale * cells));
  if (multiplier === undefined) return undefined;
  return makeNode(quantizedAveragePool, [x.q], { ...window, inputZero: x.attrs.zeroPoint, multiplier, ...clamp });
}

/** A move of i8 values; what it brings in is a step of the shared scale. */
function lowerMovement(node: Node, output: QuantizeAttrs): Node | undefined {
  const inputs = node.inputs.map(stepsOf);
  const isShared = (steps: Steps | undefined): steps is Steps =>
    steps?.attrs.scale === output.scale && steps.attrs.zeroPoint === output.zeroPoint;
  if (!keepsScale(node) || !inputs.every(isShared)) return undefined;
  const values = inputs.map(({ q }) => q);
  if (isOp(node, pad)) {
    const [value = 0] = quantized(Float64Array.of(node.attrs.value), output);
    return makeNode(pad, values, { ...node.attrs, value });
  }
  const [x] = values;
  if (isOp(node, selectChannels) && x && node.attrs.indices.includes(-1)) {
    // The zeros of the op are steps of 0: a channel of the zero point stands in for them.
    const axes = x.type.shape.map((_, axis) => (axis === 1 ? 1 : 0));
    const padded = makeNode(pad, [x], { before: axes.map(() => 0), after: axes, value: output.zeroPoint });
    const channels = x.type.shape[1];
    if (channels === undefined || !dimsEqual(channels, Number(channels))) return undefined;
    const indices = node.attrs.indices.map((index) => (index < 0 ? Number(channels) : index));
    return makeNode(selectChannels, [padded], { indices });
  }
  return makeNode(node.op, values, node.attrs);
}

/** The nodes between the value and what is i8 or constant, inputs first. */
function regionOf(value: Node): Node[] {
  const [order, seen] = [new Array<Node>(), new Set<Node>()];
  const stack = [{ node: value, isDone: false }];
  for (let top = stack.pop(); top; top = stack.pop()) {
    const { node, isDone } = top;
    if (isDone) order.push(node);
    if (isDone || seen.has(node) || isConstant(node)) continue;
    seen.add(node);
    stack.push({ node, isDone: true });
    if (!isOp(node, dequantize)) for (const input of node.inputs) stack.push({ node: input, isDone: false });
  }
  return order;
}

function lowerGroup(value: Node, output: QuantizeAttrs): Node | undefined {
  const from = regionOf(value).find((node) => unaryPath(node, value)) ?? value;
  const path = unaryPath(from, value) ?? [];
  const steps = stepsOf(from);
  if (steps) return lowerFunction(steps, from, path, output);
  const interval = clampOf(path);
  if (!interval) return undefined;
  const clamp = clampIn(interval, output);
  if (isOp(from, conv2d) || isOp(from, linear)) return lowerConvolution(from, undefined, output, clamp);
  return lowerSum(from, output, clamp) ?? lowerProduct(from, output, clamp) ?? lowerMean(from, output, clamp);
}

function lowerNode(node: Node): Node | undefined {
  const [value] = node.inputs;
  if (!isOp(node, quantize) || !value) return undefined;
  const steps = stepsOf(value);
  const { scale, zeroPoint } = node.attrs;
  if (steps?.attrs.scale === scale && steps.attrs.zeroPoint === zeroPoint) return steps.q;
  return lowerMovement(value, node.attrs) ?? lowerGroup(value, node.attrs);
}

/** A table behind a convolution that nothing else reads becomes part of it. */
function fuseTables(graph: Graph): Graph {
  const [users, roots] = [usersOf(graph), new Set(rootsOf(graph))];
  const isSole = (node: Node | undefined): boolean =>
    node !== undefined && users.get(node)?.length === 1 && !roots.has(node);
  return rewriteGraph(
    graph,
    (node, original) => {
      const [value, source] = [node.inputs[0], original.inputs[0]];
      if (!isOp(node, lookUp) || !value || !isSole(source)) return undefined;
      const isView = isOp(value, reshape);
      const anchor = isView ? value.inputs[0] : value;
      if (!anchor || !isOp(anchor, quantizedConv2d) || anchor.attrs.table) return undefined;
      if (isView && !isSole(source?.inputs[0])) return undefined;
      const made = makeNode(
        quantizedConv2d,
        anchor.inputs,
        { ...anchor.attrs, table: node.attrs.table },
        anchor.origin,
      );
      return isView ? makeNode(reshape, [made], value.attrs) : made;
    },
    name,
  );
}

/**
 * Expects the form that `insert-qdq` leaves. Each result differs from the one of float32 by at most one step, where two
 * roundings fall on different sides; what has no integer form stays between dequantize and quantize.
 */
export const lowerInt8: Pass = {
  name,
  summary: 'turn what stands between dequantize and quantize into integer ops',
  run: (graph) => fuseTables(rewriteGraph(graph, lowerNode, name)),
};
