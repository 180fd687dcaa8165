/** Gives every value its device buffer and its place in it. */
import { isConstant, isParameter } from '../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { channelGroups, noHalo, type Element, type Halo, type Placement } from '../kernels/kernel.ts';
import { packedPlacement } from '../kernels/shader/weight.ts';
import { bordersOf, imageOf, rootOf, type Sharing } from './share-memory.ts';

/** One allocation; its values share height, width and halo and lie beside each other in channels, or are dense. */
export interface Buffer {
  readonly id: number;
  readonly root: Node;
  readonly halo: Halo;
  readonly channelStride: number;
  readonly element: Element;
  /** What each group of the border holds, as a word. */
  readonly border: number;
  /** The vector of state whose own buffer it is; undefined in the arena. */
  readonly state: string | undefined;
}

export interface Assignment {
  readonly bufferOf: ReadonlyMap<Node, Buffer>;
  readonly placementOf: ReadonlyMap<Node, Placement>;
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

/** `borders` gives the word that a value's border holds where it is not zero. */
export function assignBuffers(
  graph: Graph,
  sharing: Sharing,
  borders: ReadonlyMap<Node, number> = new Map(),
): Assignment {
  const { relations, steps } = sharing;
  const values = [...new Set([...topologicalOrder(graph), ...steps, ...relations.keys()])];
  const halos = bordersOf(sharing);
  const buffers = new Map<Node, Buffer>();
  const bufferByNode = new Map<Node, Buffer>();
  const placementByNode = new Map<Node, Placement>();
  const place = (node: Node): Placement => {
    const known = placementByNode.get(node);
    if (known) return known;
    const relation = relations.get(node);
    const placement = relation
      ? relation.placed(place(relation.source))
      : rootPlacement(node, sharing.quantized.has(node), halos.get(node));
    placementByNode.set(node, placement);
    return placement;
  };
  for (const node of values) {
    if (isConstant(node)) continue;
    const root = rootOf(sharing, node);
    const { halo, channelStride, element } = place(root);
    const border = borders.get(root) ?? 0;
    const state = isParameter(root) ? root.attrs.name : undefined;
    const buffer = buffers.get(root) ?? { id: buffers.size, root, halo, channelStride, element, border, state };
    buffers.set(root, buffer);
    bufferByNode.set(node, buffer);
    place(node);
  }
  return { bufferOf: bufferByNode, placementOf: placementByNode };
}

/** Where a value lies in memory of its own. */
function rootPlacement(node: Node, isQuantized: boolean, halo: Halo = noHalo): Placement {
  if (isParameter(node) && halo.some((side) => side > 0)) throw new RangeError('state cannot have a border');
  const image = imageOf(node.type);
  const element = isQuantized ? 'i8' : image.element;
  const placement = { ...image, element, halo, channelStride: channelGroups(image.channels), channelOffset: 0 };
  return packedPlacement(node) ?? placement;
}
