/** Places a graph's buffers in the arena, for every batch and image size that the model leaves open. */
import { multiplyDims, symbolsOf, type Dim } from '../ir/dim.ts';
import { isConstant, isInput } from '../ir/leaves.ts';
import type { Node } from '../ir/node.ts';
import type { Region, Size } from '../../runtime/artifact.ts';
import { groupBytes, imageStride } from '../kernels/kernel.ts';
import { bufferOf, placementOf, type Assignment, type Buffer } from './assign-buffers.ts';
import { alignment, planMemory, planSlots, type Lifetime, type MemoryPlan } from './plan-memory.ts';
import { sizeOf, sizeOfOne } from './size.ts';

export interface Arena {
  regionOf(buffer: Buffer): Region;
  /** Whether the first step that writes a buffer must find its border cleared. */
  needsClearing(buffer: Buffer): boolean;
  /** A vec4 that nothing writes: new memory is zero. */
  readonly zeros: Region;
  /** Bytes of the whole arena with so many more behind it. */
  bytes(slack: number): Size;
  readonly lowerBoundBytes: Size;
  /** Free dimensions that the sizes depend on. */
  readonly symbols: readonly string[];
}

/** `compute` lists the nodes that take a step, in order; `outputs` live to the end. */
export function planArena(outputs: readonly Node[], compute: readonly Node[], assignment: Assignment): Arena {
  const buffers = [...new Set(assignment.bufferOf.values())].filter(({ state }) => state === undefined);
  const lifetimes = lifetimesOf(outputs, compute, buffers, assignment);
  const placements = [...assignment.placementOf.values()];
  const symbols = [
    ...new Set(placements.flatMap(({ batch, height, width }) => [batch, height, width].flatMap(symbolsOf))),
  ];
  const planned: Planned = { buffers, lifetimes, bytesOf: (buffer) => bytesOf(assignment, buffer) };
  const proportional = placements.every(({ height, width }) => typeof height === 'number' && typeof width === 'number');
  const [batch] = symbols;
  const arena = symbols.length > 1 || !proportional ? slotArena(planned) : scaledArena(planned, batch);
  const stateOf = (buffer: Buffer): Region | undefined =>
    buffer.state === undefined
      ? undefined
      : { offset: 0, bytes: sizeOf(bytesOf(assignment, buffer)), state: buffer.state };
  return { ...arena, regionOf: (buffer) => stateOf(buffer) ?? arena.regionOf(buffer), symbols };
}

interface Planned {
  readonly buffers: readonly Buffer[];
  readonly lifetimes: readonly Lifetime[];
  readonly bytesOf: (buffer: Buffer) => Dim;
}

/** Where only the batch is free, all sizes scale with it: the plan of one sample, times N. */
function scaledArena(
  { buffers, lifetimes, bytesOf: bytes }: Planned,
  batch: string | undefined,
): Omit<Arena, 'symbols'> {
  const memory = planMemory(lifetimes);
  const scaled = (size: number): Size => (batch !== undefined && size > 0 ? { terms: [[size, [batch]]] } : size);
  return {
    regionOf: (buffer) => ({
      offset: scaled(memory.offsets[buffers.indexOf(buffer)] ?? 0),
      bytes: sizeOf(bytes(buffer)),
    }),
    needsClearing: (buffer) => needsClearing(buffer, buffers, memory, lifetimes),
    zeros: { offset: scaled(memory.bytes), bytes: alignment },
    bytes: (slack) => ({ sum: [scaled(memory.bytes), alignment, slack] }),
    lowerBoundBytes: scaled(memory.lowerBoundBytes),
  };
}

/**
 * Where image sizes are free too, buffers grow at different rates and no offset is a fixed multiple: buffers that are
 * never alive together share a slot, a slot is as large as its largest buffer, and slots follow each other.
 */
function slotArena({ buffers, lifetimes, bytesOf: bytes }: Planned): Omit<Arena, 'symbols'> {
  const { slotOf, busiest } = planSlots(lifetimes);
  const slots: Size[][] = [];
  buffers.forEach((buffer, index) => (slots[slotOf[index] ?? 0] ??= []).push(aligned(bytes(buffer))));
  const sizes = slots.map((members): Size => ({ max: members }));
  const unit = { offsets: slotOf, bytes: slots.length, lowerBoundBytes: 0 };
  const unitLifetimes = lifetimes.map((lifetime) => ({ ...lifetime, bytes: 1 }));
  return {
    regionOf: (buffer) => ({
      offset: { sum: sizes.slice(0, slotOf[buffers.indexOf(buffer)]) },
      bytes: sizeOf(bytes(buffer)),
    }),
    needsClearing: (buffer) => needsClearing(buffer, buffers, unit, unitLifetimes),
    zeros: { offset: { sum: sizes }, bytes: alignment },
    bytes: (slack) => ({ sum: [...sizes, alignment, slack] }),
    lowerBoundBytes: { sum: busiest.flatMap((index) => buffers[index] ?? []).map((buffer) => sizeOf(bytes(buffer))) },
  };
}

const aligned = (bytes: Dim): Size => ({
  product: [{ product: [sizeOf(bytes)], divisor: alignment }, alignment],
});

export const bytesOf = (assignment: Assignment, { root }: Buffer): Dim => {
  const placement = placementOf(assignment, root);
  return multiplyDims(multiplyDims(imageStride(placement), placement.batch), groupBytes(placement.element));
};

function lifetimesOf(
  outputs: readonly Node[],
  compute: readonly Node[],
  buffers: readonly Buffer[],
  assignment: Assignment,
): Lifetime[] {
  const first = new Map<Buffer, number>();
  const last = new Map<Buffer, number>();
  compute.forEach((node, step) => {
    const own = bufferOf(assignment, node);
    if (!first.has(own)) first.set(own, step);
    for (const value of [node, ...node.inputs]) if (!isConstant(value)) last.set(bufferOf(assignment, value), step);
  });
  for (const output of outputs) last.set(bufferOf(assignment, output), Infinity);
  return buffers.map((buffer) => {
    const from = isInput(buffer.root) ? -1 : (first.get(buffer) ?? -1);
    const border = hasHalo(buffer) ? geometryOf(buffer) : undefined;
    return { bytes: sizeOfOne(bytesOf(assignment, buffer)), from, to: last.get(buffer) ?? from, border };
  });
}

const hasHalo = ({ halo }: Buffer): boolean => halo.some((side) => side > 0);

const geometryOf = ({ root, halo, channelStride, element, border }: Buffer): string =>
  JSON.stringify([
    element,
    border,
    halo,
    channelStride,
    root.type.shape.length,
    root.type.shape[0],
    ...root.type.shape.slice(2),
  ]);

/**
 * Kernels never write a halo and new memory is zero, so a border is dirty only where a buffer of another geometry has
 * used its bytes since a buffer of the same geometry and place was last clean: earlier in this run, or, for the first
 * such buffer, also later in the run before. A border that holds anything but zero is filled in every run.
 */
function needsClearing(
  buffer: Buffer,
  buffers: readonly Buffer[],
  { offsets }: MemoryPlan,
  lifetimes: readonly Lifetime[],
): boolean {
  if (!hasHalo(buffer)) return false;
  const own = buffers.indexOf(buffer);
  const [start = 0, size = 0, from = 0] = [offsets[own], lifetimes[own]?.bytes, lifetimes[own]?.from];
  const dirtied: number[] = [];
  let lastClean = -Infinity;
  for (const [index, other] of buffers.entries()) {
    const lifetime = lifetimes[index];
    const otherStart = offsets[index] ?? 0;
    if (other === buffer || !lifetime || otherStart >= start + size || start >= otherStart + lifetime.bytes) continue;
    const same = otherStart === start && geometryOf(other) === geometryOf(buffer);
    if (!same) dirtied.push(lifetime.from);
    else if (lifetime.from < from) lastClean = Math.max(lastClean, lifetime.from);
  }
  if (lastClean === -Infinity) return buffer.border !== 0 || dirtied.length > 0;
  return dirtied.some((time) => time > lastClean && time < from);
}
