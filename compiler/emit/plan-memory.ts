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

/**
 * Greedy by size, best fit (Pisarchyk and Lee, arXiv:2001.03288, algorithm 3): the largest buffer first, each into the
 * smallest gap between the buffers already placed that live at the same time.
 */
export function planMemory(lifetimes: readonly Lifetime[]): MemoryPlan {
  const offsets = lifetimes.map(() => 0);
  const placed: Block[] = [];
  const largestFirst = [...lifetimes.keys()].toSorted((a, b) => (lifetimes[b]?.bytes ?? 0) - (lifetimes[a]?.bytes ?? 0));
  let bytes = 0;
  for (const index of largestFirst) {
    const lifetime = lifetimes[index];
    if (!lifetime) continue;
    const size = align(lifetime.bytes);
    const taken = placed.filter((other) => overlap(other.lifetime, lifetime));
    const start = sameBorder(placed, taken, lifetime, size) ?? bestGap(taken, size);
    offsets[index] = start;
    placed.push({ start, end: start + size, lifetime });
    placed.sort((a, b) => a.start - b.start);
    bytes = Math.max(bytes, start + size);
  }
  return { offsets, bytes, lowerBoundBytes: mostAlive(lifetimes) };
}

interface Block {
  readonly start: number;
  readonly end: number;
  readonly lifetime: Lifetime;
}

/** Where a buffer of the same geometry lies that is dead by then. */
function sameBorder(placed: readonly Block[], taken: readonly Block[], { border }: Lifetime, size: number): number | undefined {
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

function mostAlive(lifetimes: readonly Lifetime[]): number {
  let most = 0;
  for (const { from } of lifetimes) {
    const alive = lifetimes.filter((other) => other.from <= from && from <= other.to);
    most = Math.max(
      most,
      alive.reduce((sum, { bytes }) => sum + bytes, 0),
    );
  }
  return most;
}
