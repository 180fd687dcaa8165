/** What a kernel is: it turns one node (a plain op or a fused group) into one WGSL dispatch. */
import { addDims, multiplyDims, type Dim } from '../ir/dim.ts';
import type { Node } from '../ir/node.ts';

/** `software`: register tiles, no workgroup memory, zero borders in memory. `gpu`: workgroup tiles, bounds checks. */
export type Profile = 'software' | 'gpu';

/** A size known when the model runs: a dimension, or a product of sizes divided by a constant and rounded up. */
export type Extent = Dim | { readonly product: readonly Extent[]; readonly divisor: number };

export const ceilDivide = (extent: Extent, divisor: number): Extent => {
  if (typeof extent === 'number') return Math.ceil(extent / divisor);
  return divisor === 1 ? extent : { product: [extent], divisor };
};

export function multiplyExtents(...factors: readonly Extent[]): Extent {
  const known = factors.filter((factor) => typeof factor === 'number').reduce((product, factor) => product * factor, 1);
  const open = factors.filter((factor) => typeof factor !== 'number');
  return open.length === 0 ? known : { product: known === 1 ? open : [known, ...open], divisor: 1 };
}

/** Zero pixels around an image: top, left, bottom, right. */
export type Halo = readonly [number, number, number, number];
export const noHalo: Halo = [0, 0, 0, 0];

/**
 * What holds the channels of a group of four: a `vec4f`, or a u32 whose byte `c % 4` is q + 128 of an i8 q. The excess
 * makes a word of zero the zero of a value behind a ReLU, so that its border needs no filling.
 */
export type Element = 'f32' | 'i8';

/** Bytes of a group of four channels. */
export const groupBytes = (element: Element): number => (element === 'i8' ? 4 : 16);

/** The WGSL type of a group; undefined for the one that bindings have unless said. */
export const groupType = (element: Element): string | undefined => (element === 'i8' ? 'u32' : undefined);

/** The word of four equal i8. */
export const wordOf = (q: number): number => ((q + 128) & 0xff) * 0x01010101;

/**
 * How a value lies in device memory (see `Layout` of the artifact): NHWC in groups of four channels, which all strides
 * count. Axis 0 of the tensor is `batch`, axis 1 `channels`, the last axis `width`, what is between them `height`.
 */
export interface Placement {
  readonly element: Element;
  readonly batch: Dim;
  readonly channels: number;
  readonly height: Dim;
  readonly width: Dim;
  readonly halo: Halo;
  readonly channelStride: number;
  readonly channelOffset: number;
}

/** Groups that hold so many channels. */
export const channelGroups = (channels: number): number => Math.ceil(channels / 4);

export const paddedWidth = (p: Placement): Dim => addDims(p.width, p.halo[1] + p.halo[3]);
export const paddedHeight = (p: Placement): Dim => addDims(p.height, p.halo[0] + p.halo[2]);
export const rowStride = (p: Placement): Dim => multiplyDims(paddedWidth(p), p.channelStride);
export const imageStride = (p: Placement): Dim => multiplyDims(paddedHeight(p), rowStride(p));
/** Index of channel group 0 of pixel (y, x) of image 0; y and x may reach into the halo. */
export const pixelOrigin = (p: Placement, y = 0, x = 0): Dim =>
  addDims(multiplyDims(rowStride(p), p.halo[0] + y), (p.halo[1] + x) * p.channelStride + p.channelOffset);

/** A weight in the form that a kernel reads, made at build time. */
export interface PackedConstant {
  /** Unique in the process: equal keys mean equal bytes. */
  readonly key: string;
  /** What the artifact calls it where no other constant has this name: the same in every build of a source. */
  readonly name: string;
  readonly pack: () => PackedData;
}

export type PackedData = Float32Array | Int32Array | Int8Array;

/** What a storage binding is bound to: an operand of the node, its result, a packed constant, or a vec4 of zeros. */
export type BindingSource =
  | { readonly kind: 'operand'; readonly index: number }
  | { readonly kind: 'result' }
  | { readonly kind: 'zeros' }
  | { readonly kind: 'constant'; readonly constant: PackedConstant };

export interface StorageBinding {
  readonly access: 'read' | 'read_write';
  readonly source: BindingSource;
}

/** A word of the uniform block. */
export type UniformWord =
  | { readonly type: 'u32'; readonly value: Extent }
  | { readonly type: 'f32'; readonly value: number };

export interface KernelCode {
  readonly wgsl: string;
  readonly workgroupSize: readonly [number, number, number];
  /** Storage bindings 1, 2, ...; binding 0 is the uniform block. */
  readonly bindings: readonly StorageBinding[];
  readonly uniforms: readonly UniformWord[];
  readonly workgroups: readonly [Extent, Extent, Extent];
  /** vec4 that edge tiles may read behind the end of a bound value; the planner keeps such reads inside the arena. */
  readonly overrun: number;
}

/** Pixels that the last tile of a row computes beyond the row; the most that can be where the width is not known. */
export const overrunOf = (width: Extent, pixels: number): number =>
  typeof width === 'number' ? Math.ceil(width / pixels) * pixels - width : pixels - 1;

export interface KernelRequest {
  readonly node: Node;
  /** One a node input; undefined for constants, which kernels pack themselves. */
  readonly operands: readonly (Placement | undefined)[];
  /** The device buffer of each operand, by number; operands may share one. Undefined for constants. */
  readonly buffers: readonly (number | undefined)[];
  /** The buffer of the result where it is also an operand's: the result then overwrites that operand in place. */
  readonly resultBuffer?: number;
  readonly result: Placement;
  readonly profile: Profile;
  /** Adds zeros where the tail has no residual, so that layers with and without one share a pipeline. */
  readonly padResidual?: boolean;
}

/** `S` is a plain record of tile sizes; it names itself in the manifest. */
export interface Kernel<S = Readonly<Record<string, number>>> {
  readonly name: string;
  /** Names of the ops that the kernel implements. */
  readonly implements: readonly string[];
  readonly profiles: readonly Profile[];
  /** Whether the kernel can run this node; sizes are those of the node's types. */
  supports(node: Node): boolean;
  /** Candidate schedules, the one for untuned builds first. */
  schedules(node: Node, profile: Profile): readonly S[];
  /** Layers of equal form can share a schedule, and then a pipeline; left out where there is nothing to choose. */
  form?(node: Node): string;
  /** Estimated time in any unit that compares schedules of one form. */
  cost?(node: Node, schedule: S): number;
  /** Whether the node adds a residual; the kernel then pads the others of the model with zeros (`padResidual`). */
  hasResidual?(node: Node): boolean;
  /** The result may overwrite an operand that lies as it does: of that, an invocation reads only what it writes. */
  readonly inPlace?: true;
  /** The border that the data operand (operand 0) must have; none where left out. */
  halo?(node: Node, schedule: S): Halo;
  /** What each group of that border holds, as a word; zero where left out. */
  border?(node: Node): number;
  emit(request: KernelRequest, schedule: S): KernelCode;
}
