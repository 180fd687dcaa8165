/** Decides which values lie in the memory of another: views, and parts that are computed straight into their place. */
import { dimsEqual, productOf } from '../ir/dim.ts';
import { isConstant, isInput, isParameter } from '../ir/leaves.ts';
import { makeNode, topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import type { TensorType } from '../ir/type.ts';
import { channelGroups, imageStride, noHalo, type Element, type Halo, type Placement } from '../kernels/kernel.ts';
import { haloOf, type Selection } from '../kernels/select.ts';
import { storageKernel } from '../kernels/movement/storage.ts';
import { after, concat, flatStorage, fromStorage, packWeights, quantize, reshape, slice } from '../ops/index.ts';
import type { QuantizeAttrs } from '../ops/quantize.ts';
import { storedLength } from '../ops/rules/storage-order.ts';

/** How a value lies in the memory of another one. */
export interface Relation {
  readonly source: Node;
  /** Its place, from that of the source. */
  readonly placed: (source: Placement) => Placement;
}

export interface Sharing {
  readonly relations: Map<Node, Relation>;
  /** The nodes that take a step, each behind what it reads. */
  readonly steps: Node[];
  /** What a concatenation or a flat vector in place is made of: its inputs, or copies of them. */
  readonly parts: Map<Node, readonly Node[]>;
  readonly selections: Map<Node, Selection>;
  /** Inputs that the session quantizes while it uploads them, because nothing reads them otherwise. */
  readonly quantized: Map<Node, QuantizeAttrs>;
}

interface Image {
  readonly element: Element;
  readonly batch: TensorType['shape'][number];
  readonly channels: number;
  readonly height: TensorType['shape'][number];
  readonly width: TensorType['shape'][number];
}

/** Axis 0 is batch, axis 1 channels, the last axis width, what is between them height. */
export function imageOf({ dtype, shape }: TensorType): Image {
  const [batch = 1, channels = 1, ...rest] = shape;
  if (typeof channels !== 'number') throw new RangeError('the channel count must be known when the model is built');
  const element = dtype === 'i8' ? 'i8' : 'f32';
  return { element, batch, channels, height: productOf(rest.slice(0, -1)), width: rest.at(-1) ?? 1 };
}

/** The place of a value without border, as in storage order. */
export function densePlacement(type: TensorType, channelOffset = 0): Placement {
  const image = imageOf(type);
  return { ...image, halo: noHalo, channelStride: channelGroups(image.channels), channelOffset };
}

function sameImage(a: TensorType, b: TensorType): boolean {
  const [x, y] = [imageOf(a), imageOf(b)];
  const equal = x.channels === y.channels && dimsEqual(x.batch, y.batch);
  return equal && dimsEqual(x.height, y.height) && dimsEqual(x.width, y.width);
}

/** A value with its source's borders and strides, so many vec4 behind its origin. */
const shifted = (source: Node, node: Node, offset: (source: Placement) => number): Relation => ({
  source,
  placed: (place) => ({ ...place, ...imageOf(node.type), channelOffset: place.channelOffset + offset(place) }),
});

/** A value in storage order inside a flat vector. */
const stored = (source: Node, node: Node, offset: number): Relation => ({
  source,
  placed: ({ channelOffset }) => densePlacement(node.type, channelOffset + offset / 4),
});

// Padding lanes must read as zero, so a view ends on a whole vec4 or at the end of its source.
function viewOf(node: Node): Relation | undefined {
  const [source] = node.inputs;
  if (!source || isConstant(source)) return undefined;
  if (node.op.name === after.name) return { source, placed: (place) => place };
  if (isOp(node, reshape)) return sameImage(source.type, node.type) ? shifted(source, node, () => 0) : undefined;
  if (!isOp(node, slice)) return undefined;
  const { axis, from, to } = node.attrs;
  if (axis === 0) {
    const isKnown = node.type.shape.every((size) => typeof size === 'number');
    return isKnown ? shifted(source, node, (place) => from * Number(imageStride(place))) : undefined;
  }
  const ends = (to - from) % 4 === 0 || to === source.type.shape[1];
  return axis === 1 && from % 4 === 0 && ends ? shifted(source, node, () => from / 4) : undefined;
}

/** The value in whose memory a node lies, itself where it has its own. */
export function rootOf({ relations }: Pick<Sharing, 'relations'>, node: Node): Node {
  let root = node;
  for (let next = relations.get(root); next; next = relations.get(root)) root = next.source;
  return root;
}

/** The border of each value that has its own memory: the widest that a reader of it or of a view of it needs. */
export function bordersOf(sharing: Sharing): Map<Node, Halo> {
  const halos = new Map<Node, Halo>();
  for (const node of sharing.steps) {
    const selection = sharing.selections.get(node);
    const [data] = node.inputs;
    if (!selection || !data) continue;
    const root = rootOf(sharing, data);
    const [need, known] = [haloOf(node, selection), halos.get(root) ?? noHalo];
    const widest = (index: 0 | 1 | 2 | 3): number => Math.max(need[index], known[index]);
    halos.set(root, [widest(0), widest(1), widest(2), widest(3)]);
  }
  return halos;
}

/** Offsets in vec4 of a concatenation's parts where each can be computed straight into its place; else undefined. */
function partOffsets(node: Node, { relations }: Sharing): number[] | undefined {
  if (!isOp(node, concat) || node.attrs.axis !== 1) return undefined;
  const offsets: number[] = [];
  let channels = 0;
  for (const part of node.inputs) {
    const free = !isInput(part) && !isConstant(part) && !isParameter(part) && !relations.has(part);
    if (!free || channels % 4 !== 0 || node.inputs.indexOf(part) !== offsets.length) return undefined;
    offsets.push(channels / 4);
    channels += Number(part.type.shape[1]);
  }
  return offsets;
}

/** Steps that would write the memory of a root and read it at the same time, which WebGPU forbids. */
function conflicts(sharing: Sharing, root: Node): Node[] {
  const lies = (node: Node): boolean => !isConstant(node) && rootOf(sharing, node) === root;
  return sharing.steps.filter((node) => lies(node) && node.inputs.some(lies));
}

function drop(list: Node[], node: Node): void {
  const at = list.indexOf(node);
  if (at >= 0) list.splice(at, 1);
}

function joinInPlace(sharing: Sharing, node: Node): void {
  const offsets = partOffsets(node, sharing);
  if (!offsets) return;
  node.inputs.forEach((part, index) =>
    sharing.relations.set(
      part,
      shifted(node, part, () => offsets[index] ?? 0),
    ),
  );
  const at = sharing.steps.indexOf(node);
  drop(sharing.steps, node);
  if (conflicts(sharing, rootOf(sharing, node)).length === 0) {
    sharing.parts.set(node, node.inputs);
    return;
  }
  for (const part of node.inputs) sharing.relations.delete(part);
  sharing.steps.splice(at, 0, node);
}

/** A step that copies a value into storage order. */
export function copyOf(sharing: Sharing, node: Node, before: number): Node {
  const copy = makeNode(flatStorage, [node], {}, node.origin);
  sharing.selections.set(copy, { kernel: storageKernel, schedule: {} });
  sharing.steps.splice(before, 0, copy);
  return copy;
}

// One axis is the batch axis on the device, and packed weights have an order of their own: neither is storage order.
const hasStorageOrder = (node: Node): boolean => node.type.shape.length !== 1 && !isOp(node, packWeights);

/** Whether a value is dense, so that a flat vector can hold it and tensors in it be views. */
const isDense = (sharing: Sharing, halos: ReadonlyMap<Node, Halo>, node: Node): boolean =>
  (halos.get(rootOf(sharing, node)) ?? noHalo).every((side) => side === 0);

function shareStored(sharing: Sharing, node: Node, halos: ReadonlyMap<Node, Halo>): void {
  const [flat] = node.inputs;
  if (!isOp(node, fromStorage) || !flat || isConstant(flat) || sharing.relations.has(node)) return;
  if (!hasStorageOrder(node) || !isDense(sharing, halos, flat) || !isDense(sharing, halos, node)) return;
  sharing.relations.set(node, stored(flat, node, node.attrs.offset));
  drop(sharing.steps, node);
}

/** Whether a part can be computed into a flat vector: a step writes it, and no other part reads it from there. */
function isFree(sharing: Sharing, node: Node, part: Node): boolean {
  const isOwn = (other: Node): boolean => other === part || rootOf(sharing, other) !== part;
  const isSole = node.inputs.indexOf(part) === node.inputs.lastIndexOf(part);
  return sharing.steps.includes(part) && !sharing.relations.has(part) && isSole && node.inputs.every(isOwn);
}

/** Parts of a flat vector are computed into it where nothing keeps them elsewhere; the others are copied. */
function shareParts(sharing: Sharing, node: Node, halos: ReadonlyMap<Node, Halo>): void {
  if (!isOp(node, flatStorage)) return;
  if (!isDense(sharing, halos, node)) throw new RangeError('a flat vector cannot have a border');
  const at = sharing.steps.indexOf(node);
  drop(sharing.steps, node);
  let offset = 0;
  const starts = node.inputs.map((part) => (offset += storedLength(part.type.shape.map(Number))));
  const startOf = (index: number): number => starts[index - 1] ?? 0;
  const free = node.inputs.map(
    (part) => isFree(sharing, node, part) && hasStorageOrder(part) && isDense(sharing, halos, part),
  );
  node.inputs.forEach((part, index) => {
    if (free[index]) sharing.relations.set(part, stored(node, part, startOf(index)));
  });
  for (const part of conflicts(sharing, rootOf(sharing, node))) sharing.relations.delete(part);
  const parts = node.inputs.map((part, index) => {
    if (free[index] && sharing.relations.has(part)) return part;
    const copy = copyOf(sharing, part, at);
    sharing.relations.set(copy, stored(node, copy, startOf(index)));
    return copy;
  });
  sharing.parts.set(node, parts);
}

/** An input whose only reader quantizes it is the quantized value. */
function shareQuantized(sharing: Sharing, graph: Graph, order: readonly Node[]): void {
  const outputs = new Set(Object.values(graph.outputs));
  for (const node of order) {
    const [source] = node.inputs;
    if (!isOp(node, quantize) || !source || !isInput(source) || outputs.has(source)) continue;
    if (order.some((other) => other !== node && other.inputs.includes(source))) continue;
    sharing.quantized.set(source, node.attrs);
    sharing.relations.set(node, { source, placed: (place) => place });
    drop(sharing.steps, node);
  }
}

/** `selections` names the kernel of every node that has one; views among them need no step. */
export function shareMemory(graph: Graph, selections: ReadonlyMap<Node, Selection>): Sharing {
  const order = topologicalOrder(graph).filter((node) => !isConstant(node));
  const steps = order.filter((node) => selections.has(node));
  const sharing: Sharing = {
    relations: new Map(),
    steps,
    parts: new Map(),
    selections: new Map(selections),
    quantized: new Map(),
  };
  shareQuantized(sharing, graph, order);
  for (const node of order) {
    const relation = viewOf(node);
    if (!relation) continue;
    sharing.relations.set(node, relation);
    drop(steps, node);
  }
  for (const node of order) joinInPlace(sharing, node);
  const halos = bordersOf(sharing);
  for (const node of order) shareStored(sharing, node, halos);
  for (const node of order) shareParts(sharing, node, halos);
  return sharing;
}
