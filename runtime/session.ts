/** Runs an artifact on a device: pipelines up front, then one pass and one submit a run. */
import type { Artifact, Plan, ProfileName } from './artifact.ts';
import { bindSymbols } from './bind-symbols.ts';
import {
  destroyInstance,
  encodeRun,
  instantiate,
  readOutputs,
  uploadWeights,
  type Instance,
  type Symbols,
} from './buffers.ts';
import { RuntimeFault } from './errors.ts';
import { guarded, readStaging } from './guarded.ts';
import type { HostTensor } from './host-tensor.ts';
import { packInto, quantizeInto } from './layout.ts';
import { beginLifetime, type Lifetime } from './lifetime.ts';
import { checkLimits, createPipelines } from './pipelines.ts';
import { traceSteps, type Visit } from './trace.ts';

export type { HostTensor } from './host-tensor.ts';

export interface Session {
  readonly plan: Plan;
  /**
   * Inputs by name to outputs by name; any batch size, without recompiling. Runs are serialised. Values that are not
   * finite go through the ops as in PyTorch. Throws E0906 for inputs that do not fit, among them NaN where the model
   * computes in int8, which has none; E0903 (device lost); E0904 and E0905; E0913 where the session is disposed, before
   * or meanwhile.
   */
  run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** Runs one step at a time and hands over what each wrote; for comparing layer by layer. Throws as `run` does. */
  trace(inputs: Readonly<Record<string, HostTensor>>, visit: Visit): Promise<void>;
  /** Frees its memory at once; runs that are not done throw E0913. Harmless when called again. */
  dispose(): void;
}

export interface SessionOptions {
  readonly profile: ProfileName;
  /** Batch sizes whose arenas are kept; the least recently used goes first. Default 4. */
  readonly instances?: number;
}

/** Creates pipelines and uploads weights. Throws E0902 (limits), E0903 (lost), E0904 (memory), E0905 (rejected), E0715. */
export async function createSession(device: GPUDevice, artifact: Artifact, options: SessionOptions): Promise<Session> {
  const plan = artifact.manifest.plans[options.profile];
  if (!plan) {
    throw new RuntimeFault('E0715', 'input', `the artifact has no plan for the ${options.profile} profile`);
  }
  const lifetime = await beginLifetime(device, 'session');
  checkLimits(device, plan);
  const weights = await guarded(device, () => uploadWeights(device, artifact));
  const kernels = await createPipelines(device, artifact, plan);
  const instances = new Map<string, Instance>();
  const most = options.instances ?? 4;
  const isInteger = computesInteger(plan);
  const guards = artifact.manifest.guards ?? [];

  const instanceFor = async (symbols: Symbols): Promise<Instance> => {
    const key = JSON.stringify(symbols);
    const known = instances.get(key);
    const instance = known ?? (await guarded(device, () => instantiate(device, plan, kernels, weights, symbols)));
    if (lifetime.isDisposed) destroyInstance(instance);
    lifetime.check();
    instances.delete(key);
    instances.set(key, instance);
    for (const [old, other] of instances) {
      if (instances.size <= most) break;
      destroyInstance(other);
      instances.delete(old);
    }
    return instance;
  };

  const inTurn = turnsWithin(lifetime);

  return {
    plan,
    run: (inputs) =>
      inTurn(async () => {
        const symbols = bindSymbols(plan.inputs, inputs, guards);
        if (isInteger) refuseNaN(inputs);
        const instance = await instanceFor(symbols);
        upload(device, instance, inputs);
        return execute(device, instance);
      }),
    trace: (inputs, visit) =>
      inTurn(async () => {
        const symbols = bindSymbols(plan.inputs, inputs, guards);
        if (isInteger) refuseNaN(inputs);
        const instance = await instanceFor(symbols);
        upload(device, instance, inputs);
        await traceSteps(device, plan, instance, symbols, visit, lifetime);
      }),
    dispose: () =>
      lifetime.dispose(() => {
        for (const instance of instances.values()) destroyInstance(instance);
        instances.clear();
        for (const buffer of weights.buffers) buffer.destroy();
      }),
  };
}

/** What runs one piece of work after the other. */
function turnsWithin(lifetime: Lifetime): <T>(work: () => Promise<T>) => Promise<T> {
  let turn: Promise<unknown> = Promise.resolve();
  return (work) => {
    const result = turn.then(() => lifetime.within(work));
    turn = result.catch(() => undefined);
    return result;
  };
}

const computesInteger = ({ inputs, steps }: Plan): boolean =>
  inputs.some(({ quantize }) => quantize) || steps.some(({ result }) => result.layout.element === 'i8');

/** A NaN would become some whole number. */
function refuseNaN(inputs: Readonly<Record<string, HostTensor>>): void {
  for (const [name, { data }] of Object.entries(inputs)) {
    const at = data.findIndex(Number.isNaN);
    if (at < 0) continue;
    const message = `input ${name} is NaN at element ${at}, and the model computes in int8, which has no NaN`;
    throw new RuntimeFault('E0906', 'input', message);
  }
}

function upload(device: GPUDevice, instance: Instance, inputs: Readonly<Record<string, HostTensor>>): void {
  for (const { name, layout, offset, bytes, quantize } of instance.inputs) {
    const packed = new ArrayBuffer(bytes);
    const data = inputs[name]?.data ?? [];
    if (quantize) quantizeInto(new Uint8Array(packed), data, layout, quantize);
    else packInto(new Float32Array(packed), data, layout);
    device.queue.writeBuffer(instance.arena, offset, packed);
  }
}

async function execute(device: GPUDevice, instance: Instance): Promise<Record<string, HostTensor>> {
  const { staging } = instance;
  device.queue.submit([encodeRun(device, instance, staging)]);
  const results = readOutputs(instance, await readStaging(device, staging));
  staging.unmap();
  return results;
}
