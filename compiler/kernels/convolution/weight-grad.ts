/** What every kernel of a convolution's weight gradient asks of a node: sizes, strides, and the rows of a slice. */
import type { Node } from '../../ir/node.ts';
import { isOp } from '../../ir/op.ts';
import type { Conv2dWeightGradAttrs } from '../../ops/conv2d-weight-grad.ts';
import { conv2dWeightGrad } from '../../ops/index.ts';
import { ceilDivide, multiplyExtents } from '../kernel.ts';
import type { Extent, Halo, KernelRequest, Placement } from '../kernel.ts';
import { walk, type Shader, type Walk } from '../shader/wgsl.ts';

export interface WeightGrad {
  readonly attrs: Conv2dWeightGradAttrs;
  readonly outputs: number;
  /** Input channels of one group. */
  readonly inputs: number;
  readonly slices: number;
}

export function readWeightGrad(node: Node): WeightGrad | undefined {
  if (!isOp(node, conv2dWeightGrad)) return undefined;
  const { attrs } = node;
  const slices = attrs.slices ?? 1;
  const [outputs = 1, inputs = 1] = node.type.shape.map(Number);
  return { attrs, outputs: outputs / slices, inputs, slices };
}

/** True where no block of so many outputs, and no vec4 of inputs, spans two groups. */
export const groupsAlign = ({ attrs, outputs, inputs }: WeightGrad, block: number): boolean =>
  attrs.groups === 1 || ((outputs / attrs.groups) % block === 0 && inputs % 4 === 0);

export const isDepthwise = ({ attrs, outputs, inputs }: WeightGrad): boolean =>
  attrs.groups > 1 && inputs === 1 && outputs === attrs.groups;

export const paddingOf = ({ attrs }: WeightGrad): Halo => attrs.padding;

/** The same, of a request that `supports` has admitted, with its places. */
export function weightGradOf(request: KernelRequest): {
  readonly grad: WeightGrad;
  readonly x: Placement;
  readonly g: Placement;
} {
  const grad = readWeightGrad(request.node);
  const [x, g] = request.operands;
  if (!grad || !x || !g) throw new TypeError(`${request.node.op.name} is no weight gradient of placed values`);
  return { grad, x, g };
}

const borderless = ({ halo }: Placement): boolean => halo.every((side) => side === 0);

/**
 * Whether pixels of x and g correspond one to one in the order of memory, as those of a 1x1 convolution do over values
 * without borders: then a slice is one long row, which also makes a linear layer, with its one-pixel images, fast.
 */
function correspond(grad: WeightGrad, x: Placement, g: Placement): boolean {
  const { kernel, stride, padding } = grad.attrs;
  const pointwise = [...kernel, ...stride].every((size) => size === 1) && padding.every((side) => side === 0);
  return pointwise && borderless(x) && borderless(g);
}

/** Expressions of the uniform block that lead through the pixels of a slice. */
export interface SliceWalk {
  readonly x: Walk;
  readonly g: Walk;
  /** vec4 of x from one row or pixel of g to the next. */
  readonly xRow: string;
  readonly xStep: string;
  readonly gRow: string;
  readonly rows: string;
  readonly rowsPerSlice: string;
  readonly rowsPerImage: string;
  readonly columns: string;
  readonly pixels: string;
}

export function declareSlices(shader: Shader, request: KernelRequest): SliceWalk {
  const { grad, x, g } = weightGradOf(request);
  const { padding, stride } = grad.attrs;
  const rows = multiplyExtents(g.batch, g.height);
  const pixels = multiplyExtents(rows, g.width);
  const perSlice = ceilDivide(rows, grad.slices);
  const flat = correspond(grad, x, g);
  const length = multiplyExtents(perSlice, g.width);
  const u = (value: Extent): string => shader.u32(value);
  const [from, gradient] = [walk(shader, x, -padding[0], -padding[1]), walk(shader, g)];
  return {
    x: from,
    g: gradient,
    xRow: flat ? u(multiplyExtents(length, x.channelStride)) : `${from.row} * ${u(stride[0])}`,
    xStep: `${from.pixel} * ${u(stride[1])}`,
    gRow: flat ? u(multiplyExtents(length, g.channelStride)) : gradient.row,
    rows: u(flat ? grad.slices : rows),
    rowsPerSlice: u(flat ? 1 : perSlice),
    rowsPerImage: u(flat ? 0x7fffffff : g.height),
    columns: u(flat ? length : g.width),
    pixels: u(pixels),
  };
}
