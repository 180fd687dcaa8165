/** What every convolution kernel asks of a node: its group, its weight's sizes, its bindings. */
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { Conv2dAttrs } from '../../ops/conv2d.ts';
import type { ConvTranspose2dAttrs } from '../../ops/conv-transpose2d.ts';
import { conv2d, convTranspose2d } from '../../ops/index.ts';
import type { PackedForm } from '../../ops/pack-weights.ts';
import { readGroup, type Group } from '../group.ts';
import type { Halo, KernelRequest, Placement } from '../kernel.ts';
import { packBias, packedShape, type PackedSource } from '../shader/pack.ts';
import { bindWeight, hasForm, readWeight, type Weight } from '../shader/weight.ts';
import { walk, type Shader, type Walk } from '../shader/wgsl.ts';

/** A convolution whose kernel can read its weights, alone or with gate and tail. */
export interface Convolution extends Group {
  readonly attrs: Conv2dAttrs;
  readonly weight: Weight;
  readonly bias: PackedSource | undefined;
  readonly outputs: number;
  /** Input channels of one group. */
  readonly inputs: number;
  /** Vertical, horizontal. */
  readonly kernel: readonly [number, number];
  /** Whether the taps are read backwards, and the weight's first axis counts inputs: a transposed convolution. */
  readonly flipped: boolean;
}

/**
 * Reads a node as a convolution: a `conv2d`, or a `convTranspose2d` of stride 1, which is a convolution with its taps in
 * reverse (Dumoulin and Visin 2016, 4.2), so that input gradients run as fast as what they are gradients of. Undefined
 * where it is none, or its weights are neither constant nor packed.
 */
export function readConvolution(node: Node): Convolution | undefined {
  const group = readGroup(node, ['conv2d', 'convTranspose2d']);
  if (!group) return undefined;
  const [, weightIndex, biasIndex] = group.operands;
  const weight = readWeight(node.inputs[weightIndex ?? -1], weightIndex);
  const bias = node.inputs[biasIndex ?? -1];
  if (!weight || (bias && !isConstant(bias))) return undefined;
  const flipped = isOp(group.anchor, convTranspose2d);
  const packing = { form: flipped ? 'transposed' : 'outputs', groups: 1 } as const;
  const kernel = packedShape(weight.node.type.shape, packing).kernel;
  const attrs = effectiveAttrs(group.anchor, kernel);
  if (!attrs) return undefined;
  const { outputs, inputs } = packedShape(weight.node.type.shape, { ...packing, groups: attrs.groups });
  return { ...group, attrs, weight, bias, outputs, inputs, kernel, flipped };
}

function effectiveAttrs(anchor: Node, kernel: readonly [number, number]): Conv2dAttrs | undefined {
  if (isOp(anchor, conv2d)) return anchor.attrs;
  return isOp(anchor, convTranspose2d) ? reversed(anchor.attrs, kernel) : undefined;
}

// A border that the transposed convolution cuts off deeper than its kernel reaches would be a negative padding.
function reversed(attrs: ConvTranspose2dAttrs, kernel: readonly [number, number]): Conv2dAttrs | undefined {
  const { stride, padding, outputPadding, dilation, groups } = attrs;
  if (stride.some((step) => step !== 1)) return undefined;
  const [vertical, horizontal] = [dilation[0] * (kernel[0] - 1), dilation[1] * (kernel[1] - 1)];
  const [below, right] = [outputPadding[0] - padding[2], outputPadding[1] - padding[3]];
  const pads = [vertical - padding[0], horizontal - padding[1], vertical + below, horizontal + right] as const;
  return pads.some((pad) => pad < 0) ? undefined : { stride, padding: pads, dilation, groups };
}

/** The same, of a request that `supports` has admitted, with the data operand's place. */
export function convolutionOf(request: KernelRequest): { readonly conv: Convolution; readonly data: Placement } {
  const conv = readConvolution(request.node);
  const data = request.operands[conv?.operands[0] ?? 0];
  if (!conv || !data) throw new TypeError(`${request.node.op.name} is not a convolution of a placed value`);
  return { conv, data };
}

/** True where no block of so many output channels spans two groups. */
export const groupsAlign = ({ attrs, outputs }: Convolution, block: number): boolean =>
  attrs.groups === 1 || (outputs / attrs.groups) % block === 0;

export const isDepthwise = ({ attrs, inputs, outputs }: Convolution): boolean =>
  attrs.groups > 1 && inputs === 1 && outputs === attrs.groups;

const formOf = ({ flipped }: Convolution): PackedForm => (flipped ? 'transposed' : 'outputs');

/** Whether a kernel can read the weight by groups of output channels, or, of a depthwise convolution, by channels. */
export const readsForm = (conv: Convolution, form: PackedForm = formOf(conv)): boolean =>
  hasForm(conv.weight, { form, groups: conv.attrs.groups });

/** The array of a convolution's weight in a form that `readsForm` has admitted. */
export const bindFilter = (shader: Shader, conv: Convolution, element?: string, form = formOf(conv)): string =>
  bindWeight(shader, conv.weight, { form, groups: conv.attrs.groups }, element);

export function paddingOf(node: Node): Halo {
  const [top = 0, left = 0, bottom = 0, right = 0] = readConvolution(node)?.attrs.padding ?? [];
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
