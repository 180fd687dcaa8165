/** A convolution or matrix product between dequantize and quantize as one integer op. */
import { isConstant } from '../../ir/leaves.ts';
import { makeNode, type Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { Tensor } from '../../ir/type.ts';
import { conv2d, dequantize, linear, mul, quantizedConv2d, reshape } from '../../ops/index.ts';
import type { QuantizedConv2dAttrs } from '../../ops/quantized-conv2d.ts';
import type { Conv2dAttrs } from '../../ops/conv2d.ts';
import type { QuantizeAttrs } from '../../ops/quantize.ts';
import { roundHalfEven, type Clamp } from '../../ops/rules/integer.ts';
import { constantNode } from '../constants.ts';

/** An i8 value and what its steps mean. */
export interface Steps {
  readonly q: Node;
  readonly attrs: QuantizeAttrs;
}

export function stepsOf(node: Node | undefined): Steps | undefined {
  const [q] = node?.inputs ?? [];
  return node && q && isOp(node, dequantize) ? { q, attrs: node.attrs } : undefined;
}

/** The integers and scales that `insert-qdq` made of a weight. */
function integersOf(weight: Node | undefined): { values: Node; tensor: Tensor; scales: Tensor } | undefined {
  if (!weight || !isOp(weight, mul)) return undefined;
  const [steps, scales] = [stepsOf(weight.inputs[0]), weight.inputs[1]];
  if (!steps || !scales || !isConstant(steps.q) || !isConstant(scales)) return undefined;
  return { values: steps.q, tensor: steps.q.attrs.tensor, scales: scales.attrs.tensor };
}

/** Sums stay below it, so that rounding to a multiple of 256 cannot overflow i32. */
const largestSum = 2 ** 31 - 256;

interface Sums {
  readonly bias: Tensor;
  readonly multiplier: Tensor;
}

/**
 * Biases in units of `inputScale * scale[o]`, less `inputZero * sum(w[o])`, and `M[o] = inputScale * scale[o] / outputScale`.
 * Undefined where a sum could leave i32.
 */
function sumsOf(
  weight: Tensor,
  scales: Tensor,
  bias: Tensor | undefined,
  input: QuantizeAttrs,
  outputScale: number,
): Sums | undefined {
  const outputs = weight.shape[0] ?? 1;
  const length = weight.data.length / outputs;
  const [biases, multipliers] = [new Int32Array(outputs), new Float32Array(outputs)];
  for (let output = 0; output < outputs; output++) {
    let [sum, size] = [0, 0];
    for (let at = output * length; at < (output + 1) * length; at++) {
      sum += weight.data[at] ?? 0;
      size += Math.abs(weight.data[at] ?? 0);
    }
    const unit = input.scale * (scales.data[output] ?? 1);
    const folded = roundHalfEven((bias?.data[output] ?? 0) / unit) - input.zeroPoint * sum;
    if (Math.abs(folded) + 128 * size >= largestSum) return undefined;
    biases[output] = folded;
    multipliers[output] = unit / outputScale;
  }
  return {
    bias: { dtype: 'i32', shape: [outputs], data: biases },
    multiplier: { dtype: 'f32', shape: [outputs], data: multipliers },
  };
}

/** A residual's sign and that of the convolution, as `sub` has them. */
export interface Residual extends Steps {
  readonly sign: number;
  readonly convolutionSign: number;
}

/** `round(ratio * 2^shift)` with the largest shift that keeps all multipliers within 2^21; undefined where none does. */
export function fixedPoint(ratios: readonly number[]): { multipliers: number[]; shift: number } | undefined {
  for (let shift = 16; shift >= 1; shift--) {
    const multipliers = ratios.map((ratio) => Math.round(ratio * 2 ** shift));
    if (multipliers.every((multiplier) => Math.abs(multiplier) <= 2 ** 21)) return { multipliers, shift };
  }
  return undefined;
}

const pointwise: Conv2dAttrs = { stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1], groups: 1 };
const asImage = (node: Node): Node => makeNode(reshape, [node], { shape: [...node.type.shape, 1, 1] });

function weightImage(values: Node, tensor: Tensor): Node {
  const shape = [...tensor.shape, ...[1, 1, 1, 1].slice(tensor.shape.length)];
  return tensor.shape.length === 4 ? values : constantNode({ ...tensor, shape }, nameOf(values), values.origin);
}

const nameOf = (node: Node): string => (isConstant(node) ? node.attrs.name : '');

type ResidualAttrs = Pick<QuantizedConv2dAttrs, 'residualZero' | 'residualMultiplier' | 'shift'>;

/** The attributes that say how the residual comes in. */
function residualAttrs(residual: Residual | undefined, output: QuantizeAttrs): ResidualAttrs | undefined {
  if (!residual) return { residualZero: 0, residualMultiplier: 0, shift: 0 };
  const fixed = fixedPoint([(residual.sign * residual.attrs.scale) / output.scale]);
  const [residualMultiplier = 0] = fixed?.multipliers ?? [];
  return fixed && { residualZero: residual.attrs.zeroPoint, residualMultiplier, shift: fixed.shift };
}

function negated(tensor: Tensor, isNegative: boolean): Tensor {
  return isNegative ? { ...tensor, data: Float32Array.from(tensor.data, (m) => -m) } : tensor;
}

/** Undefined where the pattern or the bounds of i32 do not hold. */
export function lowerConvolution(
  anchor: Node,
  residual: Residual | undefined,
  output: QuantizeAttrs,
  clamp: Clamp,
): Node | undefined {
  const isMatrix = isOp(anchor, linear);
  const windows = isOp(anchor, conv2d) ? anchor.attrs : pointwise;
  if (!isMatrix && !isOp(anchor, conv2d)) return undefined;
  const [x, weight, bias] = [stepsOf(anchor.inputs[0]), integersOf(anchor.inputs[1]), anchor.inputs[2]];
  const biasTensor = bias && isConstant(bias) ? bias.attrs.tensor : undefined;
  if (!x || !weight || (bias && !biasTensor)) return undefined;
  const sums = sumsOf(weight.tensor, weight.scales, biasTensor, x.attrs, output.scale);
  const joined = residualAttrs(residual, output);
  if (!sums || !joined) return undefined;
  const image = (node: Node): Node => (isMatrix ? asImage(node) : node);
  const operands = [
    image(x.q),
    weightImage(weight.values, weight.tensor),
    constantNode(sums.bias, bias ? nameOf(bias) : '', bias?.origin ?? weight.values.origin),
    ...(residual ? [image(residual.q)] : []),
  ];
  const multiplier = negated(sums.multiplier, residual?.convolutionSign === -1);
  const attrs = { ...windows, inputZero: x.attrs.zeroPoint, multiplier, ...clamp, ...joined };
  const made = makeNode(quantizedConv2d, operands, attrs);
  return isMatrix ? makeNode(reshape, [made], { shape: anchor.type.shape }) : made;
}
