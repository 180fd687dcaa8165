/** Channels through a reshape: axes are matched in blocks of equal size, and within a block element by element. */
import { dimsEqual, divideDims, multiplyDims, type Dim } from '../../../ir/dim.ts';
import type { AxisChannels, Channels, Ties } from '../ties.ts';

/** Axes `[from[0], from[1])` of the operand hold the same elements as axes `[to[0], to[1])` of the result. */
interface Block {
  readonly from: readonly [number, number];
  readonly to: readonly [number, number];
}

const isNumber = (size: Dim): size is number => typeof size === 'number';

/** Whether the product so far on one side must grow to meet that of the other. */
const isPart = (size: Dim, of: Dim): boolean =>
  isNumber(size) && isNumber(of) ? size < of : divideDims(of, size) !== undefined;

/** The shortest blocks, left to right; ones at the end join the last. */
function blocksOf(before: readonly Dim[], after: readonly Dim[]): Block[] {
  const blocks: Block[] = [];
  for (let [i, j] = [0, 0]; i < before.length || j < after.length;) {
    const start = [i, j] as const;
    let [left, right] = [before[i++] ?? 1, after[j++] ?? 1];
    while (!dimsEqual(left, right)) {
      if (i < before.length && (isPart(left, right) || j >= after.length)) {
        left = multiplyDims(left, before[i++] ?? 1);
      } else if (j < after.length) right = multiplyDims(right, after[j++] ?? 1);
      else break;
    }
    const end = [Math.min(i, before.length), Math.min(j, after.length)] as const;
    blocks.push({ from: [start[0], end[0]], to: [start[1], end[1]] });
    [i, j] = end;
  }
  return blocks;
}

/** The coordinate along one axis of each element of a box, in row-major order. */
function coordinates(shape: readonly number[], axis: number): number[] {
  const count = shape.reduce((product, size) => product * size, 1);
  const inner = shape.slice(axis + 1).reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, element) => Math.floor(element / inner) % (shape[axis] ?? 1));
}

/** How many classes are left when all elements with one coordinate along the axis go together. */
function classesAlong(elements: readonly number[], places: readonly number[], ties: Ties): number {
  const parents = new Map<number, number>();
  const rootOf = (key: number): number => {
    let root = key;
    for (let next = parents.get(root); next !== undefined; next = parents.get(root)) root = next;
    return root;
  };
  const firsts = new Map<number, number>();
  for (const [element, channel] of elements.entries()) {
    const place = places[element] ?? 0;
    const first = firsts.get(place) ?? channel;
    firsts.set(place, first);
    const [a, b] = [rootOf(ties.rootOf(first)), rootOf(ties.rootOf(channel))];
    if (a !== b) parents.set(b, a);
  }
  return new Set([...firsts.values()].map((channel) => rootOf(ties.rootOf(channel)))).size;
}

/** Channels go to the axis of the result that keeps most of them apart; the first of equals. */
function acrossBlock(elements: readonly number[], to: readonly number[], ties: Ties): AxisChannels[] {
  const options = [...to.keys()]
    .filter((axis) => to[axis] !== 1)
    .map((axis) => {
      const places = coordinates(to, axis);
      return { axis, places, count: classesAlong(elements, places, ties) };
    });
  const [best] = options.toSorted((a, b) => b.count - a.count);
  if (!best) {
    ties.pin(elements);
    return to.map(() => undefined);
  }
  const channels: number[] = [];
  for (const [element, channel] of elements.entries()) {
    const place = best.places[element] ?? 0;
    const known = channels[place];
    if (known === undefined) channels[place] = channel;
    else ties.tie([known], [channel]);
  }
  return to.map((_, axis) => (axis === best.axis ? channels : undefined));
}

function throughBlock(before: readonly Dim[], own: Channels, after: readonly Dim[], ties: Ties): Channels {
  if (before.length === 1 && after.length === 1) return own;
  const carriers = [...own.keys()].filter((axis) => own[axis] && before[axis] !== 1);
  const [axis, ...more] = carriers;
  const channels = axis === undefined ? undefined : own[axis];
  if (axis !== undefined && channels && more.length === 0 && before.every(isNumber) && after.every(isNumber)) {
    for (const [at, other] of own.entries()) if (at !== axis) ties.pin(other);
    const elements = coordinates(before, axis).map((place) => channels[place] ?? 0);
    return acrossBlock(elements, after, ties);
  }
  for (const each of own) ties.pin(each);
  return after.map(() => undefined);
}

export const reshapedChannels = (before: readonly Dim[], own: Channels, after: readonly Dim[], ties: Ties): Channels =>
  blocksOf(before, after).flatMap(({ from, to }) =>
    throughBlock(before.slice(...from), own.slice(...from), after.slice(...to), ties),
  );
