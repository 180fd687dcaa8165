/** Places buffers in one arena so that those alive at the same time do not overlap. */

export interface Lifetime {
  /** Bytes of one sample. */
  readonly bytes: number;
  /** First and last step that touch the buffer; -1 for inputs, Infinity for outputs. */
  readonly from: number;
  readonly to: number;
  /**
   * Names the geometry of a buffer with zero borders: in memory that only buffers of one geometry use, borders stay
   * zero without being cleared, so such buffers follow each other where they can.
   */
  readonly border?: string | undefined;
}

export interface MemoryPlan {
  /** Bytes in front of each buffer, for one sample; multiples of the alignment. */
  readonly offsets: readonly number[];
  readonly bytes: number;
  /** The most bytes alive at one step: no placement can be smaller. */
  readonly lowerBoundBytes: number;
}

/** WebGPU's largest minimum storage buffer offset alignment. */
export const alignment = 256;

const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

const overlap = (a: Lifetime, b: Lifetime): boolean => a.from <= b.to && b.from <= a.to;

type Order = (a: Lifetime, b: Lifetime) => number;

const duration = ({ from, to }: Lifetime): number => Math.min(to, 1e6) - from + 1;

/** Largest first is best as a rule (Pisarchyk and Lee, arXiv:2001.03288, algorithm 3), the others for some graphs. */
const orders: readonly Order[] = [
  (a, b) => b.bytes - a.bytes,
  (a, b) => b.bytes * duration(b) - a.bytes * duration(a),
  (a, b) => a.from - b.from || b.bytes - a.bytes,
  (a, b) => duration(b) - duration(a) || b.bytes - a.bytes,
];

/** Bytes that a plan may take beyond the smallest one for the sake of borders that need no clearing. */
const borderPrice = 1.05;

/** The smallest of several greedy plans; among those of about its size, one that keeps borders clean. */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const plans = orders.flatMap((order) => [greedyPlan(lifetimes, order, true), greedyPlan(lifetimes, order, false)]);
  const smallest = Math.min(...plans.map(({ bytes }) => bytes));
  const [best] = plans.filter(({ bytes }) => bytes <= smallest * borderPrice);
  return best ?? { offsets: [], bytes: 0, lowerBoundBytes: 0 };
}

/** Takes buffers in order, each into the smallest gap between those already placed that live at the same time. */
function greedyPlan(lifetimes: readonly Lifetime[], order: Order, cleanBorders: boolean): MemoryPlan {
  const offsets = lifetimes.map(() => 0);
  const placed: Block[] = [];
  const indexed = lifetimes
    .map((lifetime, index) => ({ lifetime, index }))
    .toSorted((a, b) => order(a.lifetime, b.lifetime));
  let bytes = 0;
  for (const { lifetime, index } of indexed) {
    const size = align(lifetime.bytes);
    const taken = placed.filter((other) => overlap(other.lifetime, lifetime));
    const same = cleanBorders ? sameBorder(placed, taken, lifetime, size) : undefined;
    const start = same ?? bestGap(taken, size);
    offsets[index] = start;
    placed.push({ start, end: start + size, lifetime });
    placed.sort((a, b) => a.start - b.start);
    bytes = Math.max(bytes, start + size);
  }
  return { offsets, bytes, lowerBoundBytes: mostAlive(lifetimes).bytes };
}

/** Slots for buffers whose sizes are not proportional: buffers of one slot are never alive together. */
export function planSlots(lifetimes: readonly Lifetime[]): {
  readonly slotOf: readonly number[];
  /** The buffers alive at the step that needs most. */
  readonly busiest: readonly number[];
} {
  const slots: Lifetime[][] = [];
  const slotOf = lifetimes.map(() => 0);
  const largestFirst = [...lifetimes.entries()].toSorted(([, a], [, b]) => b.bytes - a.bytes);
  for (const [index, lifetime] of largestFirst) {
    const free = (slot: readonly Lifetime[]): boolean => !slot.some((other) => overlap(other, lifetime));
    const clean = slots.findIndex((slot) => free(slot) && slot.some(({ border }) => border === lifetime.border));
    const found = clean >= 0 ? clean : slots.findIndex(free);
    const slot = found >= 0 ? found : slots.push([]) - 1;
    slots[slot]?.push(lifetime);
    slotOf[index] = slot;
  }
  return { slotOf, busiest: mostAlive(lifetimes).alive };
}

interface Block {
  readonly start: number;
  readonly end: number;
  readonly lifetime: Lifetime;
}

/** Where a buffer of the same geometry lies that is dead by then. */
function sameBorder(
  placed: readonly Block[],
  taken: readonly Block[],
  { border }: Lifetime,
  size: number,
): number | undefined {
  if (border === undefined) return undefined;
  const free = ({ start }: Block): boolean => taken.every((block) => block.end <= start || block.start >= start + size);
  return placed.find((block) => block.lifetime.border === border && free(block))?.start;
}

function bestGap(taken: readonly Block[], size: number): number {
  let [best, bestSize, end] = [-1, Infinity, 0];
  for (const block of taken) {
    const gap = block.start - end;
    if (gap >= size && gap < bestSize) [best, bestSize] = [end, gap];
    end = Math.max(end, block.end);
  }
  return best < 0 ? end : best;
}

function mostAlive(lifetimes: readonly Lifetime[]): { readonly bytes: number; readonly alive: readonly number[] } {
  let most: { readonly bytes: number; readonly alive: readonly number[] } = { bytes: 0, alive: [] };
  for (const { from } of lifetimes) {
    const alive = [...lifetimes.entries()].filter(([, other]) => other.from <= from && from <= other.to);
    const bytes = alive.reduce((sum, [, other]) => sum + other.bytes, 0);
    if (bytes > most.bytes) most = { bytes, alive: alive.map(([index]) => index) };
  }
  return most;
}
