/** Lowers an optimised graph to the plan of one profile: kernels, dispatches, regions. */
import { createHash } from 'node:crypto';
import { multiplyDims, symbolsOf, type Dim } from '../ir/dim.ts';
import { isConstant, isInput, isParameter } from '../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { fused } from '../ops/index.ts';
import { positionAt } from '../../grammar/source.ts';
import type { Binding, Layout, Place, Plan, Region, Step, Value } from '../../runtime/artifact.ts';
import { imageStride, type KernelCode, type PackedConstant, type Placement, type Profile } from '../kernels/kernel.ts';
import type { Selection } from '../kernels/select.ts';
import { emitZeroHalo } from '../kernels/zero-halo.ts';
import { assignBuffers, type Assignment, type Buffer } from './assign-buffers.ts';
import { planMemory, type Lifetime, type MemoryPlan } from './plan-memory.ts';
import { floatWord, sizeOf, sizeOfOne } from './size.ts';

/** A node that no kernel runs. */
export class LoweringError extends Error {
  readonly node: Node;
  constructor(node: Node, message: string) {
    super(message);
    this.node = node;
  }
}

export interface Lowered {
  readonly plan: Plan;
  /** WGSL by file name. */
  readonly kernels: ReadonlyMap<string, string>;
  readonly constants: ReadonlyMap<string, PackedConstant>;
  /** Free dimensions that the plan's sizes depend on. */
  readonly symbols: readonly string[];
}

export function lower(graph: Graph, profile: Profile, select: (node: Node) => Selection | undefined): Lowered {
  const order = topologicalOrder(graph);
  const selections = selectAll(order, graph, select);
  const assignment = assignBuffers(graph, selections);
  const compute = order.filter((node) => selections.has(node) && !assignment.views.has(node));
  const buffers = [...new Set(assignment.bufferOf.values())];
  const lifetimes = lifetimesOf(graph, compute, buffers, assignment);
  const memory = planMemory(lifetimes);
  const context: Context = { profile, selections, assignment, memory, kernels: new Map(), constants: new Map(), overrun: [] };
  const steps: Step[] = [];
  const cleared = new Set<Buffer>();
  for (const node of compute) {
    const buffer = bufferOf(assignment, node);
    if (!cleared.has(buffer) && needsClearing(buffer, buffers, memory, lifetimes)) {
      steps.push(clearStep(context, node, buffer));
    }
    cleared.add(buffer);
    steps.push(computeStep(context, node));
  }
  return finish(graph, context, steps);
}

interface KernelFile {
  readonly index: number;
  readonly file: string;
  readonly code: KernelCode;
}

interface Context {
  readonly profile: Profile;
  readonly selections: ReadonlyMap<Node, Selection>;
  readonly assignment: Assignment;
  readonly memory: MemoryPlan;
  /** By WGSL text: equal texts are one pipeline. */
  readonly kernels: Map<string, KernelFile>;
  readonly constants: Map<string, PackedConstant>;
  /** Bytes behind a region that edge tiles may read, one entry a step. */
  readonly overrun: number[];
}

function selectAll(
  order: readonly Node[],
  graph: Graph,
  select: (node: Node) => Selection | undefined,
): Map<Node, Selection> {
  const selections = new Map<Node, Selection>();
  for (const node of order) {
    if (isInput(node) || isConstant(node)) continue;
    if (isParameter(node)) throw new LoweringError(node, `parameter ${node.attrs.name} has no value`);
    if (typeof (node.type.shape[1] ?? 1) !== 'number') {
      throw new LoweringError(node, `no kernel runs ${describe(node)} on a number of channels that is left open`);
    }
    const selection = select(node);
    if (!selection) throw new LoweringError(node, `no kernel runs ${describe(node)} with these sizes`);
    selections.set(node, selection);
  }
  for (const [name, node] of Object.entries(graph.outputs)) {
    if (isConstant(node)) throw new LoweringError(node, `output ${name} does not depend on an input`);
  }
  return selections;
}

/** `conv2d+add+relu`: the ops of a fused node, in order. */
export function describe(node: Node): string {
  if (!isOp(node, fused)) return node.op.name;
  const inner = topologicalOrder(node.attrs.body).filter((step) => !isInput(step) && !isConstant(step));
  return inner.map((step) => step.op.name).join('+');
}

function bufferOf({ bufferOf: buffers }: Assignment, node: Node): Buffer {
  const buffer = buffers.get(node);
  if (!buffer) throw new RangeError(`${node.op.name} has no buffer`);
  return buffer;
}

function placementOf({ placementOf: placements }: Assignment, node: Node): Placement {
  const placement = placements.get(node);
  if (!placement) throw new RangeError(`${node.op.name} has no place in memory`);
  return placement;
}

const bytesOf = (assignment: Assignment, { root }: Buffer): Dim => {
  const placement = placementOf(assignment, root);
  return multiplyDims(multiplyDims(imageStride(placement), placement.batch), 16);
};

function lifetimesOf(
  graph: Graph,
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
  for (const output of Object.values(graph.outputs)) last.set(bufferOf(assignment, output), Infinity);
  return buffers.map((buffer) => {
    const from = isInput(buffer.root) ? -1 : (first.get(buffer) ?? -1);
    const border = hasHalo(buffer) ? geometryOf(buffer) : undefined;
    return { bytes: sizeOfOne(bytesOf(assignment, buffer)), from, to: last.get(buffer) ?? from, border };
  });
}

const hasHalo = ({ halo }: Buffer): boolean => halo.some((side) => side > 0);

const geometryOf = ({ root, halo, channelStride }: Buffer): string =>
  JSON.stringify([halo, channelStride, root.type.shape.length, root.type.shape[0], ...root.type.shape.slice(2)]);

/**
 * Kernels never write a halo and new memory is zero, so a border is dirty only where a buffer of another geometry has
 * used its bytes since a buffer of the same geometry and place was last clean: earlier in this run, or, for the first
 * such buffer, also later in the run before.
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
  if (lastClean === -Infinity) return dirtied.length > 0;
  return dirtied.some((time) => time > lastClean && time < from);
}

/** Regions scale with the batch: the plan of one sample, times N. */
function regionOf({ assignment, memory }: Context, buffer: Buffer): Region {
  const bytes = bytesOf(assignment, buffer);
  const offset = memory.offsets[[...new Set(assignment.bufferOf.values())].indexOf(buffer)] ?? 0;
  return { offset: scaled(offset, assignment), bytes: sizeOf(bytes) };
}

function scaled(bytes: number, assignment: Assignment): Region['offset'] {
  const symbol = batchSymbol(assignment);
  return symbol !== undefined && bytes > 0 ? { terms: [[bytes, [symbol]]] } : bytes;
}

/** The one free dimension, by which every size scales; undefined where all sizes are fixed. */
function batchSymbol({ placementOf: placements }: Assignment): string | undefined {
  const symbols = [...placements.values()].flatMap(({ batch, height, width }) =>
    [batch, height, width].flatMap(symbolsOf),
  );
  const [first, second] = new Set(symbols);
  if (second !== undefined) throw new RangeError(`sizes depend on ${String(first)} and on ${second}`);
  return first;
}

const layoutOf = (placement: Placement): Layout => ({
  channels: placement.channels,
  height: sizeOf(placement.height),
  width: sizeOf(placement.width),
  halo: [...placement.halo],
  channelStride: placement.channelStride,
  channelOffset: placement.channelOffset,
});

function valueOf(context: Context, name: string, node: Node): Value {
  return {
    name,
    shape: node.type.shape.map(sizeOf),
    region: regionOf(context, bufferOf(context.assignment, node)),
    layout: layoutOf(placementOf(context.assignment, node)),
  };
}

function placesOf(node: Node): Place[] {
  return (node.origin?.spans ?? []).map((span) => {
    const { line, column } = positionAt(span.file, span.start);
    return { file: span.file.path, line, column };
  });
}

function computeStep(context: Context, node: Node): Step {
  const { assignment, profile, selections } = context;
  const selection = selections.get(node);
  if (!selection) throw new RangeError(`${node.op.name} has no kernel`);
  const operands = node.inputs.map((input) => assignment.placementOf.get(input));
  const request = {
    node,
    operands,
    buffers: node.inputs.map((input) => assignment.bufferOf.get(input)?.id),
    result: placementOf(assignment, node),
    profile,
  };
  const code = selection.kernel.emit(request, selection.schedule);
  const schedule = Object.entries(selection.schedule).map(([key, value]) => `${key}=${value}`);
  const macs = node.op.macs?.(node.inputs.map((input) => input.type), node.type, node.attrs) ?? 0;
  return {
    ...stepOf(context, selection.kernel.name, code, node, bufferOf(assignment, node)),
    op: describe(node),
    schedule: schedule.join(' '),
    macs: sizeOf(macs),
    result: valueOf(context, node.origin?.path ?? '', node),
  };
}

function clearStep(context: Context, node: Node, buffer: Buffer): Step {
  const placement = placementOf(context.assignment, buffer.root);
  const step = stepOf(context, 'zero-halo', emitZeroHalo(placement), node, buffer);
  return { ...step, op: 'zeroHalo', schedule: '', macs: 0, result: valueOf(context, '', buffer.root) };
}

function stepOf(
  context: Context,
  name: string,
  code: KernelCode,
  node: Node,
  buffer: Buffer,
): Omit<Step, 'op' | 'schedule' | 'macs' | 'result'> {
  context.overrun.push(code.overrun * 16);
  const bindings = code.bindings.map(({ source }): Binding => {
    if (source.kind === 'result') return { arena: regionOf(context, buffer) };
    if (source.kind === 'constant') {
      context.constants.set(source.constant.name, source.constant);
      return { constant: source.constant.name };
    }
    const operand = node.inputs[source.index];
    if (!operand) throw new RangeError(`${name} reads operand ${source.index} of ${node.inputs.length}`);
    return { arena: regionOf(context, bufferOf(context.assignment, operand)) };
  });
  const [x, y, z] = code.workgroups;
  return {
    kernel: kernelIndex(context, name, code),
    path: node.origin?.path ?? '',
    bindings,
    uniforms: code.uniforms.map((word) => (word.type === 'f32' ? floatWord(word.value) : sizeOf(word.value))),
    workgroups: [sizeOf(x), sizeOf(y), sizeOf(z)],
    places: placesOf(node),
    passes: [...(node.origin?.passes ?? [])],
  };
}

function kernelIndex({ kernels }: Context, name: string, code: KernelCode): number {
  const known = kernels.get(code.wgsl);
  if (known) return known.index;
  const digest = createHash('sha256').update(code.wgsl).digest('hex').slice(0, 12);
  const entry = { index: kernels.size, file: `kernels/${name}-${digest}.wgsl`, code };
  kernels.set(code.wgsl, entry);
  return entry.index;
}

function finish(graph: Graph, context: Context, steps: readonly Step[]): Lowered {
  const { assignment, memory, kernels, constants } = context;
  const files = [...kernels.values()];
  const storageBuffers = Math.max(0, ...files.map(({ code }) => code.bindings.length));
  const inputs = topologicalOrder(graph).filter(isInput);
  const symbol = batchSymbol(assignment);
  const slack = Math.max(0, ...context.overrun);
  const plan: Plan = {
    limits: { maxStorageBuffersPerShaderStage: storageBuffers },
    features: [],
    arena: {
      bytes: symbol === undefined ? memory.bytes + slack : { terms: [[memory.bytes, [symbol]], [slack, []]] },
      lowerBoundBytes: scaled(memory.lowerBoundBytes, assignment),
    },
    kernels: files.map(({ file, code }) => ({
      file,
      entryPoint: 'main',
      access: code.bindings.map(({ access }) => access),
      workgroupSize: [...code.workgroupSize],
    })),
    steps: [...steps],
    inputs: inputs
      .toSorted((a, b) => a.attrs.index - b.attrs.index)
      .map((node) => valueOf(context, node.attrs.name, node)),
    outputs: Object.entries(graph.outputs).map(([name, node]) => valueOf(context, name, node)),
  };
  const text = new Map(files.map(({ file, code }) => [file, code.wgsl]));
  return { plan, kernels: text, constants, symbols: symbol === undefined ? [] : [symbol] };
}
