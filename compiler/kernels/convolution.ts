/** What every convolution kernel asks of a node: its group, its weight's sizes, its bindings. */
import { isConstant } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import type { Conv2dAttrs } from '../ops/conv2d.ts';
import { conv2d } from '../ops/index.ts';
import { readGroup, type Group } from './group.ts';
import type { Halo, KernelRequest, Placement } from './kernel.ts';
import { packBias, type PackedSource } from './pack.ts';
import { walk, type Shader, type Walk } from './wgsl.ts';

/** A convolution with constant weights, alone or with gate and tail. */
export interface Convolution extends Group {
  readonly anchor: Node<Conv2dAttrs>;
  readonly weight: PackedSource;
  readonly bias: PackedSource | undefined;
  readonly outputs: number;
  /** Input channels of one group. */
  readonly inputs: number;
  /** Vertical, horizontal. */
  readonly kernel: readonly [number, number];
}

/** Reads a node as a convolution; undefined where it is none or its weights are computed at run time. */
export function readConvolution(node: Node): Convolution | undefined {
  const group = readGroup(node, ['conv2d']);
  if (!group || !isOp(group.anchor, conv2d)) return undefined;
  const [, weight, bias] = group.operands.map((index) => node.inputs[index]);
  if (!weight || !isConstant(weight) || (bias && !isConstant(bias))) return undefined;
  const [outputs = 1, inputs = 1, height = 1, width = 1] = weight.attrs.tensor.shape;
  return { ...group, anchor: group.anchor, weight, bias, outputs, inputs, kernel: [height, width] };
}

/** The same, of a request that `supports` has admitted, with the data operand's place. */
export function convolutionOf(request: KernelRequest): { readonly conv: Convolution; readonly data: Placement } {
  const conv = readConvolution(request.node);
  const data = request.operands[conv?.operands[0] ?? 0];
  if (!conv || !data) throw new TypeError(`${request.node.op.name} is not a convolution of a placed value`);
  return { conv, data };
}

/** True where no block of so many output channels spans two groups. */
export const groupsAlign = ({ anchor, outputs }: Convolution, block: number): boolean =>
  anchor.attrs.groups === 1 || (outputs / anchor.attrs.groups) % block === 0;

export const isDepthwise = ({ anchor, inputs, outputs }: Convolution): boolean =>
  anchor.attrs.groups > 1 && inputs === 1 && outputs === anchor.attrs.groups;

export function paddingOf(node: Node): Halo {
  const [top = 0, left = 0, bottom = 0, right = 0] = readConvolution(node)?.anchor.attrs.padding ?? [];
  return [top, left, bottom, right];
}

/** Names of the bound data, bias and result, and of the gate where there is one. */
export interface ConvolutionBindings {
  readonly data: string;
  readonly bias: string;
  readonly result: string;
  readonly gate: { readonly buffer: string; readonly walk: Walk } | undefined;
}

export function bindConvolution(shader: Shader, conv: Convolution, request: KernelRequest): ConvolutionBindings {
  const data = shader.operand(conv.operands[0] ?? 0);
  const bias = shader.constant(packBias(conv.bias, conv.outputs));
  const result = shader.result();
  const index = conv.gate ?? -1;
  const placement = request.operands[index];
  if (!placement) return { data, bias, result, gate: undefined };
  const buffer = shader.operand(index);
  return { data, bias, result, gate: { buffer, walk: walk(shader, placement) } };
}
