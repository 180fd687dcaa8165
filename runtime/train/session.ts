/** Runs a training artifact on a device: steps that update state in place, evaluations, and access to the state. */
import type { Phase, Plan, ProfileName } from '../artifact.ts';
import { bindSymbols } from '../bind-symbols.ts';
import {
  destroyInstance,
  encodePart,
  encodeRun,
  instantiate,
  readOutputs,
  uploadWeights,
  type Compiled,
  type Instance,
  type StateBuffers,
  type WeightBuffers,
} from '../buffers.ts';
import { RuntimeFault } from '../errors.ts';
import { guarded } from '../guarded.ts';
import type { HostTensor } from '../host-tensor.ts';
import { packInto } from '../layout.ts';
import { beginLifetime, type Lifetime } from '../lifetime.ts';
import { checkLimits, createPipelines, type PipelineCache } from '../pipelines.ts';
import { traceSteps, type Visit } from '../trace.ts';
import { phaseRanges } from './phase-ranges.ts';
import { createStagingPool, type StagingPool } from './staging-pool.ts';
import { createStateBuffers, packVector, unpackVector, vectorsOf } from './state-buffers.ts';
import type { TrainingArtifact, TrainingManifest } from './training-artifact.ts';

type Inputs = Readonly<Record<string, HostTensor>>;

/**
 * Steps, evaluations and accesses to state happen on the device in the order in which they are called. All throw E0903
 * where the device is lost, and E0913 where the session is disposed, before or meanwhile.
 */
export interface TrainingSession {
  readonly manifest: TrainingManifest;
  /** Submits one step. With `read` it resolves to the step's outputs; without, as soon as the step is submitted. */
  submitStep(inputs: Inputs, read: boolean): Promise<Record<string, HostTensor> | undefined>;
  evaluate(inputs: Inputs): Promise<Record<string, HostTensor>>;
  /** The tensors of these vectors of state, or of all. */
  readState(vectors?: readonly string[]): Promise<Map<string, HostTensor>>;
  /** Overwrites whole vectors; those of which no tensor is given keep their values. Throws E0906. */
  writeState(tensors: ReadonlyMap<string, HostTensor>): void;
  /** Runs one step dispatch by dispatch and hands over what each wrote; the state changes as in any step. */
  traceStep(inputs: Inputs, visit: Visit): Promise<void>;
  /** Runs one step phase by phase, each when `visit` asks for it and until the device is done with it. */
  runPhases(inputs: Inputs, visit: (phase: Phase, run: () => Promise<void>) => Promise<void>): Promise<void>;
  /** Resolves when all that was submitted is done. */
  idle(): Promise<void>;
  /** Frees its memory at once; harmless when called again. */
  dispose(): void;
}

export interface TrainingSessionOptions {
  readonly profile: ProfileName;
}

type ProgramName = keyof TrainingManifest['programs'];

interface Device {
  readonly device: GPUDevice;
  readonly weights: WeightBuffers;
  readonly states: StateBuffers;
  readonly staging: StagingPool;
  readonly lifetime: Lifetime;
}

/** A program with its pipelines. */
interface Program {
  readonly plan: Plan;
  readonly kernels: readonly Compiled[];
  instance: Instance | undefined;
  /** Host copies of the inputs in device order; borders and padding lanes stay zero. */
  readonly packed: Map<string, Float32Array<ArrayBuffer>>;
}

/**
 * Creates pipelines, uploads constants and the initial state. Throws E0902 (limits), E0903 (lost), E0904 (memory),
 * E0905 (rejected), E0715 (artifact).
 */
export async function createTrainingSession(
  device: GPUDevice,
  artifact: TrainingArtifact,
  { profile }: TrainingSessionOptions,
): Promise<TrainingSession> {
  const { manifest } = artifact;
  const [stepPlan, evaluatePlan] = [planOf(artifact, 'step', profile), planOf(artifact, 'evaluate', profile)];
  for (const plan of [stepPlan, evaluatePlan]) checkLimits(device, plan);
  const lifetime = await beginLifetime(device, 'training session');
  const on = await guarded(device, () => prepareDevice(device, artifact, lifetime));
  const cache: PipelineCache = new Map();
  const begin = async (plan: Plan): Promise<Program> => ({
    plan,
    kernels: await createPipelines(device, artifact, plan, cache),
    instance: undefined,
    packed: new Map(),
  });
  const programs: Program[] = [];
  const release = (): void => {
    for (const { instance } of programs) if (instance) destroyInstance(instance);
    for (const buffer of [...on.weights.buffers, ...on.states.values()]) buffer.destroy();
    on.staging.dispose();
  };
  const dispose = (): void => lifetime.dispose(release);
  try {
    const [step, evaluate] = [await begin(stepPlan), await begin(evaluatePlan)];
    programs.push(step, evaluate);
    await guarded(device, () => prepared(on, step));
    const session = sessionOf(on, manifest, { step, evaluate }, dispose);
    session.writeState(initialTensors(artifact));
    return session;
  } catch (error) {
    dispose();
    throw error;
  }
}

function sessionOf(
  on: Device,
  manifest: TrainingManifest,
  { step, evaluate }: Readonly<Record<ProgramName, Program>>,
  dispose: () => void,
): TrainingSession {
  const within = <T>(work: () => Promise<T>): Promise<T> => on.lifetime.within(work);
  return {
    manifest,
    submitStep: (inputs, read) => within(() => submit(on, step, inputs, read)),
    evaluate: (inputs) => within(async () => (await submit(on, evaluate, inputs, true)) ?? {}),
    readState: (vectors) => within(() => readState(on, manifest, vectors)),
    writeState: (tensors) => {
      on.lifetime.check();
      writeState(on, manifest, tensors);
    },
    traceStep: (inputs, visit) =>
      within(async () => {
        const instance = prepared(on, step);
        upload(on, step, instance, inputs);
        await traceSteps(on.device, step.plan, instance, {}, visit, on.lifetime);
      }),
    runPhases: (inputs, visit) =>
      within(async () => {
        const instance = prepared(on, step);
        upload(on, step, instance, inputs);
        await idle(on);
        for (const { phase, from, to } of phaseRanges(step.plan)) {
          await visit(phase, () => {
            on.lifetime.check();
            on.device.queue.submit([encodePart(on.device, instance.dispatches.slice(from, to))]);
            return idle(on);
          });
        }
      }),
    idle: () => within(() => idle(on)),
    dispose,
  };
}

async function idle(on: Device): Promise<void> {
  await Promise.race([on.device.queue.onSubmittedWorkDone(), on.device.lost]);
  on.lifetime.check();
}

function planOf({ manifest }: TrainingArtifact, program: ProgramName, profile: ProfileName): Plan {
  const plan = manifest.programs[program][profile];
  if (plan) return plan;
  throw new RuntimeFault('E0715', 'input', `the artifact has no plan of ${program} for the ${profile} profile`);
}

function prepareDevice(device: GPUDevice, artifact: TrainingArtifact, lifetime: Lifetime): Device {
  const states = createStateBuffers(device, artifact.manifest.state);
  return { device, weights: uploadWeights(device, artifact), states, staging: createStagingPool(device), lifetime };
}

/** All tensors of the state; those without an initial value are zero. Throws E0906 for a value of another shape. */
function initialTensors({ manifest, initial }: TrainingArtifact): Map<string, HostTensor> {
  const tensors = new Map(initial);
  for (const { name, shape } of manifest.state.flatMap((vector) => vector.tensors)) {
    const count = shape.reduce((product, size) => product * size, 1);
    if (!tensors.has(name)) tensors.set(name, { shape, data: new Float32Array(count) });
  }
  return tensors;
}

/** The program with its memory, which it takes when it first runs. */
function prepared({ device, weights, states }: Device, program: Program): Instance {
  program.instance ??= instantiate(device, program.plan, program.kernels, weights, {}, states);
  return program.instance;
}

function upload({ device }: Device, { plan, packed }: Program, instance: Instance, inputs: Inputs): void {
  bindSymbols(plan.inputs, inputs);
  for (const { name, layout, offset, bytes } of instance.inputs) {
    const floats = packed.get(name) ?? new Float32Array(bytes / 4);
    packed.set(name, floats);
    packInto(floats, inputs[name]?.data ?? [], layout);
    device.queue.writeBuffer(instance.arena, offset, floats);
  }
}

/** Uploads, records and submits without waiting, so that calls keep their order on the device. */
function dispatch(on: Device, program: Program, inputs: Inputs, read: boolean): Submitted {
  on.lifetime.check();
  const instance = prepared(on, program);
  upload(on, program, instance, inputs);
  const staging = read ? on.staging.take(stagingBytes(instance)) : undefined;
  on.device.queue.submit([encodeRun(on.device, instance, staging)]);
  return { instance, staging };
}

interface Submitted {
  readonly instance: Instance;
  readonly staging: GPUBuffer | undefined;
}

async function submit(
  on: Device,
  program: Program,
  inputs: Inputs,
  read: boolean,
): Promise<Record<string, HostTensor> | undefined> {
  // A program that is not prepared takes its memory now, so faults are looked for.
  const isFirst = program.instance === undefined;
  const run = (): Submitted => dispatch(on, program, inputs, read);
  const { instance, staging } = isFirst ? await guarded(on.device, run).catch(forgetting(program)) : run();
  return staging && on.staging.read(staging, (mapped) => readOutputs(instance, mapped));
}

/** Throws a fault on; the next run meets it again. */
const forgetting = (program: Program) => (fault: unknown) => {
  if (program.instance) destroyInstance(program.instance);
  program.instance = undefined;
  throw fault;
};

const stagingBytes = ({ outputs, stagingOffsets }: Instance): number =>
  Math.max(0, ...outputs.map(({ bytes }, index) => (stagingOffsets[index] ?? 0) + bytes));

async function readState(
  on: Device,
  { state }: TrainingManifest,
  names: readonly string[] = state.map(({ name }) => name),
): Promise<Map<string, HostTensor>> {
  on.lifetime.check();
  const { device, states, staging } = on;
  const unknown = names.find((name) => !states.has(name));
  if (unknown !== undefined) throw new RuntimeFault('E0906', 'input', `the training has no state ${unknown}`);
  const wanted = state.filter(({ name }) => names.includes(name));
  const encoder = device.createCommandEncoder();
  const copies = wanted.map((vector) => {
    const bytes = vector.floats * 4;
    const buffer = staging.take(bytes);
    const source = states.get(vector.name);
    if (source) encoder.copyBufferToBuffer(source, 0, buffer, 0, bytes);
    return { vector, buffer };
  });
  device.queue.submit([encoder.finish()]);
  const tensors = await Promise.all(
    copies.map(({ vector, buffer }) =>
      staging.read(buffer, (mapped) => unpackVector(vector, new Float32Array(mapped, 0, vector.floats))),
    ),
  );
  return new Map(tensors.flat());
}

function writeState(
  { device, states }: Device,
  { state }: TrainingManifest,
  tensors: ReadonlyMap<string, HostTensor>,
): void {
  const packed = vectorsOf(state, tensors).map((vector) => ({ vector, flat: packVector(vector, tensors) }));
  for (const { vector, flat } of packed) {
    const buffer = states.get(vector.name);
    if (buffer) device.queue.writeBuffer(buffer, 0, flat.buffer, flat.byteOffset, flat.byteLength);
  }
}
