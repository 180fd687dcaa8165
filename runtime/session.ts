/** Runs an artifact on a device: pipelines up front, then one pass and one submit a run. */
import { type Artifact, type Plan, type ProfileName, type Step } from './artifact.ts';
import {
  destroyInstance,
  instantiate,
  portOf,
  uploadWeights,
  type Compiled,
  type Instance,
  type Symbols,
} from './buffers.ts';
import { bindSymbols } from './bind-symbols.ts';
import { RuntimeFault } from './errors.ts';
import type { HostTensor } from './host-tensor.ts';
import { packInto, unpack } from './layout.ts';

export type { HostTensor } from './host-tensor.ts';

export interface Session {
  readonly plan: Plan;
  /** Inputs by name to outputs by name; any batch size, without recompiling. Runs are serialised. */
  run(inputs: Readonly<Record<string, HostTensor>>): Promise<Record<string, HostTensor>>;
  /** Runs one step at a time and hands over what each wrote; for comparing layer by layer. */
  trace(
    inputs: Readonly<Record<string, HostTensor>>,
    visit: (step: Step, result: HostTensor) => boolean | void,
  ): Promise<void>;
  dispose(): void;
}

export interface SessionOptions {
  readonly profile: ProfileName;
  /** Batch sizes whose arenas are kept; the least recently used goes first. Default 4. */
  readonly instances?: number;
}

/** Creates pipelines and uploads weights. Throws E0902 (limits), E0904 (memory), E0905 (rejected), E0715 (artifact). */
export async function createSession(device: GPUDevice, artifact: Artifact, options: SessionOptions): Promise<Session> {
  const plan = artifact.manifest.plans[options.profile];
  if (!plan) {
    throw new RuntimeFault('E0715', 'input', `the artifact has no plan for the ${options.profile} profile`);
  }
  checkLimits(device, plan);
  const weights = await guarded(device, () => uploadWeights(device, artifact));
  const kernels = await createPipelines(device, artifact, plan);
  const instances = new Map<string, Instance>();
  const most = options.instances ?? 4;
  const guards = artifact.manifest.guards ?? [];

  const instanceFor = async (symbols: Symbols): Promise<Instance> => {
    const key = JSON.stringify(symbols);
    const known = instances.get(key);
    const instance = known ?? (await guarded(device, () => instantiate(device, plan, kernels, weights, symbols)));
    instances.delete(key);
    instances.set(key, instance);
    for (const [old, other] of instances) {
      if (instances.size <= most) break;
      destroyInstance(other);
      instances.delete(old);
    }
    return instance;
  };

  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work, work);
    turn = result.catch(() => undefined);
    return result;
  };

  return {
    plan,
    run: (inputs) =>
      inTurn(async () => {
        const instance = await instanceFor(bindSymbols(plan.inputs, inputs, guards));
        upload(device, instance, inputs);
        return execute(device, instance);
      }),
    trace: (inputs, visit) =>
      inTurn(async () => {
        const symbols = bindSymbols(plan.inputs, inputs, guards);
        const instance = await instanceFor(symbols);
        upload(device, instance, inputs);
        await traceSteps(device, plan, instance, symbols, visit);
      }),
    dispose: () => {
      for (const instance of instances.values()) destroyInstance(instance);
      instances.clear();
      for (const buffer of weights.buffers) buffer.destroy();
    },
  };
}

function checkLimits(device: GPUDevice, plan: Plan): void {
  const limits = new Map<string, number>();
  // `in` walks the prototype, where WebGPU keeps the limits' getters.
  for (const name in device.limits) limits.set(name, Number(Reflect.get(device.limits, name)));
  for (const [name, needed] of Object.entries(plan.limits)) {
    const allowed = limits.get(name) ?? 0;
    if (allowed >= needed) continue;
    const message = `the artifact needs ${name} of ${needed}, the device allows ${allowed}`;
    throw new RuntimeFault('E0902', 'environment', message, 'use another adapter (cnnc doctor lists what there is)');
  }
  for (const feature of plan.features) {
    if (device.features.has(feature)) continue;
    throw new RuntimeFault('E0902', 'environment', `the artifact needs the feature ${feature}, which the device lacks`);
  }
}

/** Runs work under error scopes, so that Dawn's validation and memory errors become coded faults. */
async function guarded<T>(device: GPUDevice, work: () => T | Promise<T>, what = ''): Promise<T> {
  device.pushErrorScope('out-of-memory');
  device.pushErrorScope('validation');
  let result: T | undefined;
  let thrown: unknown;
  try {
    result = await work();
  } catch (error) {
    thrown = error;
  }
  const invalid = await device.popErrorScope();
  const exhausted = await device.popErrorScope();
  if (thrown instanceof RuntimeFault) throw thrown;
  if (exhausted) {
    throw new RuntimeFault(
      'E0904',
      'runtime',
      `out of GPU memory${what}: ${firstLine(exhausted)}`,
      'use a smaller batch',
    );
  }
  if (invalid) throw new RuntimeFault('E0905', 'runtime', `the GPU rejected a command${what}: ${firstLine(invalid)}`);
  if (thrown !== undefined || result === undefined) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new RuntimeFault('E0905', 'runtime', `the GPU failed${what}: ${reason}`);
  }
  return result;
}

const firstLine = (error: { readonly message: string }): string => error.message.split('\n', 1)[0] ?? '';

function createPipelines(device: GPUDevice, artifact: Artifact, plan: Plan): Promise<Compiled[]> {
  const layouts = new Map<string, GPUBindGroupLayout>();
  const layoutOf = (access: readonly ('read' | 'read_write')[]): GPUBindGroupLayout => {
    const key = access.join();
    const known = layouts.get(key);
    if (known) return known;
    const storage = access.map((mode, index): GPUBindGroupLayoutEntry => {
      const type = mode === 'read' ? 'read-only-storage' : 'storage';
      return { binding: index + 1, visibility: 4, buffer: { type } };
    });
    const uniform: GPUBindGroupLayoutEntry = { binding: 0, visibility: 4, buffer: { type: 'uniform' } };
    const layout = device.createBindGroupLayout({ entries: [uniform, ...storage] });
    layouts.set(key, layout);
    return layout;
  };
  const pending = plan.kernels.map(async ({ file, entryPoint, access }, index): Promise<Compiled> => {
    const code = artifact.kernels.get(file);
    if (code === undefined) throw new RuntimeFault('E0715', 'input', `the artifact has no file ${file}`);
    const layout = layoutOf(access);
    const place = plan.steps.find(({ kernel }) => kernel === index)?.places[0];
    // The scope keeps a fault in the text from being printed by the binding; the catch below reports it.
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ label: file, code });
    const checked = device.popErrorScope();
    try {
      const pipeline = await device.createComputePipelineAsync({
        label: file,
        layout: device.createPipelineLayout({ bindGroupLayouts: [layout] }),
        compute: { module, entryPoint },
      });
      return { pipeline, layout };
    } catch (error) {
      await checked;
      const { messages } = await module.getCompilationInfo();
      const fault = messages.find(({ type }) => type === 'error');
      const source = place ? ` (made from ${place.file}:${place.line}:${place.column})` : '';
      const reason = fault ? `line ${fault.lineNum}: ${fault.message}` : error instanceof Error ? firstLine(error) : '';
      throw new RuntimeFault('E0905', 'runtime', `the GPU rejected ${file}${source}: ${reason}`);
    }
  });
  return Promise.all(pending);
}

function upload(device: GPUDevice, instance: Instance, inputs: Readonly<Record<string, HostTensor>>): void {
  for (const { name, layout, offset, bytes } of instance.inputs) {
    const packed = new Float32Array(bytes / 4);
    packInto(packed, inputs[name]?.data ?? [], layout);
    device.queue.writeBuffer(instance.arena, offset, packed);
  }
}

async function execute(device: GPUDevice, instance: Instance): Promise<Record<string, HostTensor>> {
  const { arena, staging, dispatches, outputs, stagingOffsets } = instance;
  const encoder = device.createCommandEncoder();
  const pass = encoder.beginComputePass();
  for (const { pipeline, bindGroup, workgroups } of dispatches) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
  }
  pass.end();
  outputs.forEach(({ offset, bytes }, index) => {
    encoder.copyBufferToBuffer(arena, offset, staging, stagingOffsets[index] ?? 0, bytes);
  });
  device.queue.submit([encoder.finish()]);
  const mapped = await readStaging(device, staging);
  const results = outputs.map(({ name, shape, layout, bytes }, index): [string, HostTensor] => {
    const floats = new Float32Array(mapped, stagingOffsets[index] ?? 0, bytes / 4);
    return [name, { shape, data: unpack(floats, layout) }];
  });
  staging.unmap();
  return Object.fromEntries(results);
}

async function readStaging(device: GPUDevice, staging: GPUBuffer): Promise<ArrayBuffer> {
  try {
    await staging.mapAsync(1);
  } catch (error) {
    const lost = await Promise.race([device.lost, Promise.resolve(undefined)]);
    if (lost) throw new RuntimeFault('E0903', 'runtime', `the device was lost: ${lost.message}`);
    throw new RuntimeFault('E0905', 'runtime', `the result cannot be read: ${String(error)}`);
  }
  return staging.getMappedRange();
}

async function traceSteps(
  device: GPUDevice,
  plan: Plan,
  { arena, dispatches }: Instance,
  symbols: Symbols,
  visit: (step: Step, result: HostTensor) => boolean | void,
): Promise<void> {
  for (const [index, step] of plan.steps.entries()) {
    const dispatch = dispatches[index];
    if (!dispatch) continue;
    const { shape, layout, offset, bytes } = portOf(step.result, symbols);
    const staging = device.createBuffer({ size: bytes, usage: 0x1 | 0x8 });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(dispatch.pipeline);
    pass.setBindGroup(0, dispatch.bindGroup);
    pass.dispatchWorkgroups(...dispatch.workgroups);
    pass.end();
    encoder.copyBufferToBuffer(arena, offset, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    const floats = new Float32Array(await readStaging(device, staging));
    const data = unpack(floats, layout);
    staging.destroy();
    if (visit(step, { shape, data }) === false) return;
  }
}
