/** What the kernels of transposed convolutions ask of a node: group, sizes, packed weights, border. */
import type { Dim } from '../../ir/dim.ts';
import { isConstant } from '../../ir/leaves.ts';
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { ConvTranspose2dAttrs } from '../../ops/conv-transpose2d.ts';
import { convTranspose2d } from '../../ops/index.ts';
import type { PackedForm } from '../../ops/pack-weights.ts';
import { readGroup, type Group } from '../group.ts';
import { multiplyExtents, type Extent, type Halo, type KernelRequest, type Placement } from '../kernel.ts';
import { packedShape, type PackedSource } from '../shader/pack.ts';
import { bindWeight, hasForm, readWeight, type Weight } from '../shader/weight.ts';
import type { Shader } from '../shader/wgsl.ts';

/** A transposed convolution whose kernel can read its weights, alone or with a tail. */
export interface Transposed extends Group {
  readonly anchor: Node<ConvTranspose2dAttrs>;
  readonly weight: Weight;
  readonly bias: PackedSource | undefined;
  readonly outputs: number;
  /** Input channels of one group. */
  readonly inputs: number;
  /** Vertical, horizontal. */
  readonly kernel: readonly [number, number];
}

export function readTransposed(node: Node): Transposed | undefined {
  const group = readGroup(node, ['convTranspose2d']);
  if (!group || !isOp(group.anchor, convTranspose2d) || group.gate !== undefined) return undefined;
  const [, weightIndex, biasIndex] = group.operands;
  const weight = readWeight(node.inputs[weightIndex ?? -1], weightIndex);
  const bias = node.inputs[biasIndex ?? -1];
  if (!weight || (bias && !isConstant(bias))) return undefined;
  const packing = { form: 'transposed', groups: group.anchor.attrs.groups } as const;
  const { outputs, inputs, kernel } = packedShape(weight.node.type.shape, packing);
  return { ...group, anchor: group.anchor, weight, bias, outputs, inputs, kernel };
}

/** The same, of a request that `supports` has admitted, with the data operand's place. */
export function transposedOf(request: KernelRequest): { readonly conv: Transposed; readonly data: Placement } {
  const conv = readTransposed(request.node);
  const data = request.operands[conv?.operands[0] ?? 0];
  if (!conv || !data) throw new TypeError(`${request.node.op.name} is not a transposed convolution of a placed value`);
  return { conv, data };
}

/**
 * Zero pixels that taps reach outside of the input: result cell y takes input cells `(y + padding - tap * dilation) /
 * stride`, of which the first lies `(dilation * (kernel - 1) - padding) / stride` above, and the last as far below.
 */
export function reachOf({ anchor, kernel }: Transposed): Halo {
  const { stride, padding, dilation, outputPadding } = anchor.attrs;
  const reach = (side: 0 | 1, cut: number, extra: number): number =>
    Math.max(0, Math.floor((dilation[side] * (kernel[side] - 1) + extra - cut) / stride[side]));
  return [
    reach(0, padding[0], 0),
    reach(1, padding[1], 0),
    reach(0, padding[2], outputPadding[0]),
    reach(1, padding[3], outputPadding[1]),
  ];
}

/**
 * Workgroups on the last axis: cells of a result whose rows and columns leave the same remainder by the stride meet the
 * same taps, and a workgroup takes cells of one such phase of one image, so that no lane waits for taps of another.
 */
export const phasesOf = (batch: Dim, { anchor }: Transposed): Extent =>
  multiplyExtents(batch, anchor.attrs.stride[0] * anchor.attrs.stride[1]);

/** Whether a kernel can read the weight in a form. */
export const readsTransposed = ({ weight, anchor }: Transposed, form: PackedForm): boolean =>
  hasForm(weight, { form, groups: anchor.attrs.groups });

/** The array of a weight in a form that `readsTransposed` has admitted. */
export const bindTransposed = (
  shader: Shader,
  { weight, anchor }: Transposed,
  form: PackedForm,
  element?: string,
): string => bindWeight(shader, weight, { form, groups: anchor.attrs.groups }, element);
