/** Decides which device buffer holds each value, and where in it: views, concatenations in place, zero borders. */
import { dimsEqual, productOf } from '../ir/dim.ts';
import { isConstant, isInput } from '../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import type { TensorType } from '../ir/type.ts';
import { channelGroups, noHalo, type Halo, type Placement } from '../kernels/kernel.ts';
import { haloOf, type Selection } from '../kernels/select.ts';
import { packedPlacement } from '../kernels/weight.ts';
import { concat, reshape, slice } from '../ops/index.ts';

/** One allocation; its values share height, width and halo and lie beside each other in channels. */
export interface Buffer {
  readonly id: number;
  readonly root: Node;
  readonly halo: Halo;
  readonly channelStride: number;
}

export interface Assignment {
  readonly bufferOf: ReadonlyMap<Node, Buffer>;
  readonly placementOf: ReadonlyMap<Node, Placement>;
  /** Values that need no step: their bytes are already in place. */
  readonly views: ReadonlySet<Node>;
}

export function bufferOf({ bufferOf: buffers }: Assignment, node: Node): Buffer {
  const buffer = buffers.get(node);
  if (!buffer) throw new RangeError(`${node.op.name} has no buffer`);
  return buffer;
}

export function placementOf({ placementOf: placements }: Assignment, node: Node): Placement {
  const placement = placements.get(node);
  if (!placement) throw new RangeError(`${node.op.name} has no place in memory`);
  return placement;
}

interface Parent {
  readonly node: Node;
  /** vec4 from the parent's first channel to this value's. */
  readonly offset: number;
}

interface Image {
  readonly batch: TensorType['shape'][number];
  readonly channels: number;
  readonly height: TensorType['shape'][number];
  readonly width: TensorType['shape'][number];
}

/** Axis 0 is batch, axis 1 channels, the last axis width, what is between them height. */
export function imageOf({ shape }: TensorType): Image {
  const [batch = 1, channels = 1, ...rest] = shape;
  if (typeof channels !== 'number') throw new RangeError('the channel count must be known when the model is built');
  return { batch, channels, height: productOf(rest.slice(0, -1)), width: rest.at(-1) ?? 1 };
}

function sameImage(a: TensorType, b: TensorType): boolean {
  const [x, y] = [imageOf(a), imageOf(b)];
  const equal = x.channels === y.channels && dimsEqual(x.batch, y.batch);
  return equal && dimsEqual(x.height, y.height) && dimsEqual(x.width, y.width);
}

// Padding lanes must read as zero, so a view ends on a whole vec4 or at the end of its source.
function viewOffset(node: Node): number | undefined {
  const [source] = node.inputs;
  if (!source || isConstant(source)) return undefined;
  if (isOp(node, reshape)) return sameImage(source.type, node.type) ? 0 : undefined;
  if (!isOp(node, slice) || node.attrs.axis !== 1) return undefined;
  const { from, to } = node.attrs;
  const ends = (to - from) % 4 === 0 || to === source.type.shape[1];
  return from % 4 === 0 && ends ? from / 4 : undefined;
}

function rootOf(parents: ReadonlyMap<Node, Parent>, node: Node): Parent {
  let [root, offset] = [node, 0];
  for (let parent = parents.get(root); parent; parent = parents.get(root)) {
    root = parent.node;
    offset += parent.offset;
  }
  return { node: root, offset };
}

/** Offsets of a concatenation's parts where each can be computed straight into its place; else undefined. */
function partOffsets(node: Node, parents: ReadonlyMap<Node, Parent>): number[] | undefined {
  if (!isOp(node, concat) || node.attrs.axis !== 1) return undefined;
  const offsets: number[] = [];
  let channels = 0;
  for (const part of node.inputs) {
    const free = !isInput(part) && !isConstant(part) && !parents.has(part);
    if (!free || channels % 4 !== 0 || node.inputs.indexOf(part) !== offsets.length) return undefined;
    offsets.push(channels / 4);
    channels += Number(part.type.shape[1]);
  }
  return offsets;
}

// A kernel must not read and write one buffer, so a part cannot move in with a value that its own step reads.
function conflicts(parents: ReadonlyMap<Node, Parent>, views: ReadonlySet<Node>, order: readonly Node[]): boolean {
  return order.some((node) => {
    if (views.has(node)) return false;
    const own = rootOf(parents, node).node;
    return node.inputs.some((input) => rootOf(parents, input).node === own);
  });
}

export function assignBuffers(graph: Graph, selections: ReadonlyMap<Node, Selection>): Assignment {
  const order = topologicalOrder(graph).filter((node) => !isConstant(node));
  const parents = new Map<Node, Parent>();
  const views = new Set<Node>();
  for (const node of order) {
    const offset = viewOffset(node);
    const [source] = node.inputs;
    if (offset === undefined || !source) continue;
    parents.set(node, { node: source, offset });
    views.add(node);
  }
  for (const node of order) {
    const offsets = partOffsets(node, parents);
    if (!offsets) continue;
    node.inputs.forEach((part, index) => parents.set(part, { node, offset: offsets[index] ?? 0 }));
    views.add(node);
    if (!conflicts(parents, views, order)) continue;
    node.inputs.forEach((part) => parents.delete(part));
    views.delete(node);
  }
  return place(order, parents, views, selections);
}

function place(
  order: readonly Node[],
  parents: ReadonlyMap<Node, Parent>,
  views: ReadonlySet<Node>,
  selections: ReadonlyMap<Node, Selection>,
): Assignment {
  const halos = new Map<Node, Halo>();
  for (const node of order) {
    const selection = selections.get(node);
    const [data] = node.inputs;
    if (!selection || !data || views.has(node)) continue;
    const { node: root } = rootOf(parents, data);
    const [need, known] = [haloOf(node, selection), halos.get(root) ?? noHalo];
    const widest = (index: 0 | 1 | 2 | 3): number => Math.max(need[index], known[index]);
    halos.set(root, [widest(0), widest(1), widest(2), widest(3)]);
  }
  const buffers = new Map<Node, Buffer>();
  const bufferByNode = new Map<Node, Buffer>();
  const placementByNode = new Map<Node, Placement>();
  for (const node of order) {
    const { node: root, offset } = rootOf(parents, node);
    const buffer = buffers.get(root) ?? {
      id: buffers.size,
      root,
      halo: halos.get(root) ?? noHalo,
      channelStride: channelGroups(imageOf(root.type).channels),
    };
    buffers.set(root, buffer);
    bufferByNode.set(node, buffer);
    const { halo, channelStride } = buffer;
    const placement = { ...imageOf(node.type), halo, channelStride, channelOffset: offset };
    placementByNode.set(node, packedPlacement(node) ?? placement);
  }
  return { bufferOf: bufferByNode, placementOf: placementByNode, views };
}
