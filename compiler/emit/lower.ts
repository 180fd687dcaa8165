/** Lowers an optimised graph to the plan of one profile: kernels, dispatches, regions. */
import { createHash } from 'node:crypto';
import { isConstant, isInput, isParameter } from '../ir/leaves.ts';
import { topologicalOrder, type Graph, type Node } from '../ir/node.ts';
import { isOp } from '../ir/op.ts';
import { languageName } from '../ir/op-names.ts';
import { fused } from '../ops/index.ts';
import { positionAt } from '../../grammar/source.ts';
import type { Binding, Layout, Phase, Place, Plan, Step, Value } from '../../runtime/artifact.ts';
import {
  type KernelCode,
  type KernelRequest,
  type PackedConstant,
  type Placement,
  type Profile,
} from '../kernels/kernel.ts';
import type { Selection } from '../kernels/select.ts';
import { packedPlacement } from '../kernels/shader/weight.ts';
import { emitZeroHalo } from '../kernels/movement/zero-halo.ts';
import { assignBuffers, bufferOf, placementOf, type Assignment, type Buffer } from './assign-buffers.ts';
import { orderSteps } from './order-steps.ts';
import { phasesOf, type Phases } from './phases.ts';
import { borderWords } from './borders.ts';
import { bytesOf, planArena, type Arena } from './plan-arena.ts';
import { shareMemory, type Sharing } from './share-memory.ts';
import { floatWord, sizeOf, sizeOfOne } from './size.ts';
import { updateState } from './update-state.ts';

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
  /** By key; the plan's bindings name constants by key until the artifact is assembled. */
  readonly constants: ReadonlyMap<string, PackedConstant>;
  /** Free dimensions that the plan's sizes depend on. */
  readonly symbols: readonly string[];
  /** Bytes behind a region that edge tiles may read. */
  readonly slack: number;
  /** State that is not updated in place but overwritten by a copy at the end. */
  readonly copied: readonly string[];
}

export interface LowerOptions {
  /** Parameters lie in buffers of their own, which updates overwrite; without, they are faults. */
  readonly state?: boolean;
  /** Makes steps tell the phase of training that they belong to. */
  readonly phases?: Phases;
}

export function lower(
  graph: Graph,
  profile: Profile,
  select: (node: Node) => Selection | undefined,
  { state = false, phases }: LowerOptions = {},
): Lowered {
  const selections = selectAll(graph, select, state);
  const sharing = shareMemory(graph, selections);
  const { outputs, before, copied } = updateState(graph, sharing);
  const assignment = assignBuffers(graph, sharing, borderWords(sharing, profile));
  const kept = [...outputs.values()];
  const bytes = (buffer: Buffer): number => sizeOfOne(bytesOf(assignment, buffer));
  // Inference keeps the order of its layers.
  const compute =
    graph.updates.size === 0
      ? sharing.steps
      : orderSteps({ sharing, before, assignment, outputs: kept, bytesOf: bytes });
  const arena = planArena(kept, compute, assignment);
  const context: Context = {
    profile,
    selections: sharing.selections,
    assignment,
    arena,
    quantized: sharing.quantized,
    residual: residualKernels(sharing.selections),
    kernels: new Map(),
    constants: new Map(),
    overrun: [],
    phaseOf: phases && phasesOf(sharing, outputs, phases),
  };
  const steps: Step[] = [];
  const cleared = new Set<Buffer>();
  for (const node of compute) {
    const buffer = bufferOf(assignment, node);
    if (!cleared.has(buffer) && arena.needsClearing(buffer)) {
      steps.push(clearStep(context, node, buffer));
    }
    cleared.add(buffer);
    steps.push(computeStep(context, node));
  }
  return { ...finish(graph, outputs, context, steps), copied };
}

function residualKernels(selections: ReadonlyMap<Node, Selection>): ReadonlySet<string> {
  const adding = [...selections].filter(([node, { kernel }]) => kernel.hasResidual?.(node) === true);
  return new Set(adding.map(([, { kernel }]) => kernel.name));
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
  readonly arena: Arena;
  readonly quantized: Sharing['quantized'];
  /** Kernels of which some node adds a residual. */
  readonly residual: ReadonlySet<string>;
  /** By WGSL text: equal texts are one pipeline. */
  readonly kernels: Map<string, KernelFile>;
  readonly constants: Map<string, PackedConstant>;
  /** Bytes behind a region that edge tiles may read, one entry a step. */
  readonly overrun: number[];
  readonly phaseOf: ((node: Node) => Phase) | undefined;
}

function selectAll(graph: Graph, select: (node: Node) => Selection | undefined, state: boolean): Map<Node, Selection> {
  const selections = new Map<Node, Selection>();
  for (const node of topologicalOrder(graph)) {
    if (isInput(node) || isConstant(node) || (state && isParameter(node))) continue;
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

/** `conv+add+relu`: the ops of a fused node in order, as the language calls them. */
export function describe(node: Node): string {
  if (!isOp(node, fused)) return languageName(node.op.name);
  const inner = topologicalOrder(node.attrs.body).filter((step) => !isInput(step) && !isConstant(step));
  return inner.map((step) => languageName(step.op.name)).join('+');
}

const layoutOf = (placement: Placement): Layout => ({
  ...(placement.element === 'i8' ? { element: 'i8' } : {}),
  channels: placement.channels,
  height: sizeOf(placement.height),
  width: sizeOf(placement.width),
  halo: [...placement.halo],
  channelStride: placement.channelStride,
  channelOffset: placement.channelOffset,
});

function valueOf(context: Context, name: string, node: Node): Value {
  const placement = placementOf(context.assignment, node);
  const quantized = context.quantized.get(node);
  const { border } = bufferOf(context.assignment, node);
  return {
    ...(quantized ? { quantize: { ...quantized, border: border & 0xff } } : {}),
    name,
    // A packed weight is a run of floats; where its own shape's elements lie among them is for kernels to know.
    shape: packedPlacement(node) ? [1, placement.channels] : node.type.shape.map(sizeOf),
    region: context.arena.regionOf(bufferOf(context.assignment, node)),
    layout: layoutOf(placement),
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
  const own = bufferOf(assignment, node);
  const request: KernelRequest = {
    node,
    operands,
    buffers: node.inputs.map((input) => assignment.bufferOf.get(input)?.id),
    result: placementOf(assignment, node),
    ...(node.inputs.some((input) => assignment.bufferOf.get(input)?.id === own.id) ? { resultBuffer: own.id } : {}),
    profile,
    padResidual: context.residual.has(selection.kernel.name),
  };
  const code = emitWithin(selection, request);
  const schedule = Object.entries(selection.schedule).map(([key, value]) => `${key}=${value}`);
  const macs =
    node.op.macs?.(
      node.inputs.map((input) => input.type),
      node.type,
      node.attrs,
    ) ?? 0;
  return {
    ...stepOf(context, selection.kernel.name, code, node, bufferOf(assignment, node)),
    op: describe(node),
    schedule: schedule.join(' '),
    macs: sizeOf(macs),
    result: valueOf(context, node.origin?.path ?? '', node),
  };
}

/** WebGPU's default limit, which every device has. */
const mostBindings = 8;

/** The code, without a residual of zeros where that would bind one buffer too many. */
function emitWithin({ kernel, schedule }: Selection, request: KernelRequest): KernelCode {
  const code = kernel.emit(request, schedule);
  if (code.bindings.length <= mostBindings || request.padResidual !== true) return code;
  return kernel.emit({ ...request, padResidual: false }, schedule);
}

function clearStep(context: Context, node: Node, buffer: Buffer): Step {
  const placement = placementOf(context.assignment, buffer.root);
  const step = stepOf(context, 'zero-halo', emitZeroHalo(placement, buffer.border), node, buffer);
  return { ...step, op: 'zero_halo', schedule: '', macs: 0, result: valueOf(context, '', buffer.root) };
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
    if (source.kind === 'result') return { arena: context.arena.regionOf(buffer) };
    if (source.kind === 'zeros') return { arena: context.arena.zeros };
    if (source.kind === 'constant') {
      context.constants.set(source.constant.key, source.constant);
      return { constant: source.constant.key };
    }
    const operand = node.inputs[source.index];
    if (!operand) throw new RangeError(`${name} reads operand ${source.index} of ${node.inputs.length}`);
    return { arena: context.arena.regionOf(bufferOf(context.assignment, operand)) };
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
    ...(context.phaseOf ? { phase: context.phaseOf(node) } : {}),
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

function finish(
  graph: Graph,
  outputs: ReadonlyMap<string, Node>,
  context: Context,
  steps: readonly Step[],
): Omit<Lowered, 'copied'> {
  const { arena, kernels, constants } = context;
  const files = [...kernels.values()];
  const storageBuffers = Math.max(0, ...files.map(({ code }) => code.bindings.length));
  const inputs = topologicalOrder(graph).filter(isInput);
  const slack = Math.max(0, ...context.overrun);
  const plan: Plan = {
    limits: { maxStorageBuffersPerShaderStage: storageBuffers },
    features: [],
    arena: { bytes: arena.bytes(slack), lowerBoundBytes: arena.lowerBoundBytes },
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
    outputs: [...outputs].map(([name, node]) => valueOf(context, name, node)),
  };
  const text = new Map(files.map(({ file, code }) => [file, code.wgsl]));
  return { plan, kernels: text, constants, symbols: arena.symbols, slack };
}
