/** Device memory of a session: the packed weights once, and per batch size an arena with its prepared dispatches. */
import {
  evaluateSize,
  type Artifact,
  type Binding,
  type Plan,
  type Region,
  type Size,
  type Value,
} from './artifact.ts';
import { RuntimeFault } from './errors.ts';
import type { HostTensor } from './host-tensor.ts';
import { concreteLayout, elementsOf, extentOf, unpack, type ConcreteLayout, type InputQuantization } from './layout.ts';

export type Symbols = Readonly<Record<string, number>>;

// Spelt out because Node has the WebGPU constants only once the binding is loaded.
export const usage = { mapRead: 0x1, copySrc: 0x4, copyDst: 0x8, uniform: 0x40, storage: 0x80 } as const;

const alignment = 256;
export const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

export interface WeightBuffers {
  readonly bindingOf: ReadonlyMap<string, GPUBufferBinding>;
  readonly buffers: readonly GPUBuffer[];
}

/** Uploads packed constants into as few buffers as the device's binding limit allows. */
export function uploadWeights(device: GPUDevice, artifact: Pick<Artifact, 'constants'>): WeightBuffers {
  const limit = Math.min(device.limits.maxStorageBufferBindingSize, device.limits.maxBufferSize);
  const shards: { readonly entries: [string, Uint8Array, number][]; bytes: number }[] = [];
  for (const [name, bytes] of artifact.constants) {
    if (bytes.byteLength > limit) {
      const message = `weight ${name} takes ${bytes.byteLength} bytes, the device binds at most ${limit}`;
      throw new RuntimeFault('E0902', 'environment', message);
    }
    const size = align(bytes.byteLength);
    let shard = shards.at(-1);
    if (!shard || shard.bytes + size > limit) shards.push((shard = { entries: [], bytes: 0 }));
    shard.entries.push([name, bytes, shard.bytes]);
    shard.bytes += size;
  }
  const bindingOf = new Map<string, GPUBufferBinding>();
  const buffers = shards.map(({ entries, bytes }) => {
    const buffer = device.createBuffer({ size: bytes, usage: usage.storage, mappedAtCreation: true });
    const mapped = new Uint8Array(buffer.getMappedRange());
    for (const [name, data, offset] of entries) {
      mapped.set(data, offset);
      bindingOf.set(name, { buffer, offset, size: data.byteLength });
    }
    buffer.unmap();
    return buffer;
  });
  return { bindingOf, buffers };
}

export interface Dispatch {
  readonly pipeline: GPUComputePipeline;
  readonly bindGroup: GPUBindGroup;
  readonly workgroups: readonly [number, number, number];
}

/** Buffers of the vectors of training state, by name; inference has none. */
export type StateBuffers = ReadonlyMap<string, GPUBuffer>;

/** A value of the interface in this instance's arena, or in a vector of state. */
export interface Port {
  readonly name: string;
  readonly shape: readonly number[];
  readonly layout: ConcreteLayout;
  readonly offset: number;
  readonly bytes: number;
  readonly state: string | undefined;
  /** Of an input that is uploaded as i8. */
  readonly quantize: InputQuantization | undefined;
}

/** A plan with every size known. */
export interface Instance {
  readonly arena: GPUBuffer;
  readonly uniforms: GPUBuffer;
  readonly staging: GPUBuffer;
  readonly states: StateBuffers;
  readonly dispatches: readonly Dispatch[];
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Byte offsets of the outputs in the staging buffer. */
  readonly stagingOffsets: readonly number[];
}

export interface Compiled {
  readonly pipeline: GPUComputePipeline;
  readonly layout: GPUBindGroupLayout;
}

/** Throws E0715 where the shape is not the layout's, or the layout does not fit the region, which is of whole words. */
export function portOf(value: Value, symbols: Symbols): Port {
  const shape = value.shape.map((size) => sizeAt(size, symbols));
  const layout = concreteLayout(value.layout, shape, symbols);
  const bytes = sizeAt(value.region.bytes, symbols);
  const { batch, channels, height, width, isInteger } = layout;
  const elements = shape.reduce((product, size) => product * size, 1);
  if (elements !== batch * channels * height * width) {
    throw unfit(`${value.name || 'a value'} is [${shape.join(', ')}], and its layout is of another shape`);
  }
  if (extentOf(layout) * (isInteger ? 1 : 4) > bytes) {
    throw unfit(`${value.name || 'a value'} does not fit its ${bytes} bytes`);
  }
  const offset = sizeAt(value.region.offset, symbols);
  if (offset % 4 !== 0 || bytes % 4 !== 0) {
    throw unfit(`${value.name || 'a value'} lies at ${offset}, of ${bytes} bytes: these are no whole words`);
  }
  return { name: value.name, shape, layout, offset, bytes, state: value.region.state, quantize: value.quantize };
}

const unfit = (message: string): RuntimeFault =>
  new RuntimeFault('E0715', 'input', message, 'build the artifact again with this version of cnnc');

/** What a size comes to. Throws E0715 where that is no size. */
function sizeAt(size: Size, symbols: Symbols): number {
  const value = evaluateSize(size, symbols);
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw unfit(`a size of the artifact comes to ${value}`);
}

/** The buffer that a region names. Throws E0715 where it names state that the artifact does not have. */
export function bufferOf(
  { arena, states }: Pick<Instance, 'arena' | 'states'>,
  { state }: Pick<Port, 'state'>,
): GPUBuffer {
  return state === undefined ? arena : stateOf(states, state);
}

function stateOf(states: StateBuffers, state: string): GPUBuffer {
  const buffer = states.get(state);
  if (!buffer) throw new RuntimeFault('E0715', 'input', `the artifact has no state ${state}`);
  return buffer;
}

/**
 * Allocates the arena of one batch size and prepares every dispatch. A run is recorded once, for what the device rejects
 * then: nobody looks for it when the same commands are run.
 */
export function instantiate(
  device: GPUDevice,
  plan: Plan,
  kernels: readonly Compiled[],
  weights: WeightBuffers,
  symbols: Symbols,
  states: StateBuffers = new Map(),
): Instance {
  const arenaBytes = align(sizeAt(plan.arena.bytes, symbols));
  checkSizes(device, plan, symbols, arenaBytes);
  const inputs = plan.inputs.map((value) => portOf(value, symbols));
  const outputs = plan.outputs.map((value) => portOf(value, symbols));
  for (const port of [...inputs, ...outputs, ...plan.steps.map(({ result }) => portOf(result, symbols))]) {
    const size = port.state === undefined ? arenaBytes : stateOf(states, port.state).size;
    if (port.offset + port.bytes > size)
      throw unfit(`${port.name || 'a value'} ends behind its buffer of ${size} bytes`);
  }
  const arena = device.createBuffer({ size: arenaBytes, usage: usage.storage | usage.copySrc | usage.copyDst });
  const { buffer: uniforms, offsets } = uploadUniforms(device, plan, symbols);
  let stagingBytes = 0;
  const stagingOffsets = outputs.map(({ bytes }) => (stagingBytes += align(bytes)) - align(bytes));
  const staging = device.createBuffer({
    size: Math.max(alignment, stagingBytes),
    usage: usage.mapRead | usage.copyDst,
  });
  const resource = (binding: Binding): GPUBufferBinding => {
    if ('arena' in binding)
      return rangeOf(bufferOf({ arena, states }, { state: binding.arena.state }), binding.arena, symbols);
    const found = weights.bindingOf.get(binding.constant);
    if (!found) throw new RuntimeFault('E0715', 'input', `the artifact has no constant ${binding.constant}`);
    return found;
  };
  const dispatches = plan.steps.map((step, index): Dispatch => {
    const kernel = kernels[step.kernel];
    if (!kernel)
      throw new RuntimeFault('E0715', 'input', `step ${index} names kernel ${step.kernel}, which is not there`);
    const uniform = { buffer: uniforms, offset: offsets[index] ?? 0, size: Math.max(16, step.uniforms.length * 4) };
    const entries = [uniform, ...step.bindings.map(resource)].map((range, binding) => ({ binding, resource: range }));
    const [x, y, z] = step.workgroups;
    return {
      pipeline: kernel.pipeline,
      bindGroup: device.createBindGroup({ layout: kernel.layout, entries }),
      workgroups: [sizeAt(x, symbols), sizeAt(y, symbols), sizeAt(z, symbols)],
    };
  });
  const instance = { arena, uniforms, staging, states, dispatches, inputs, outputs, stagingOffsets };
  encodeRun(device, instance, staging);
  return instance;
}

function encodeDispatches(encoder: GPUCommandEncoder, dispatches: readonly Dispatch[]): void {
  const pass = encoder.beginComputePass();
  for (const { pipeline, bindGroup, workgroups } of dispatches) {
    pass.setPipeline(pipeline);
    pass.setBindGroup(0, bindGroup);
    pass.dispatchWorkgroups(...workgroups);
  }
  pass.end();
}

/** Some dispatches of a run in one pass. */
export function encodePart(device: GPUDevice, dispatches: readonly Dispatch[]): GPUCommandBuffer {
  const encoder = device.createCommandEncoder();
  encodeDispatches(encoder, dispatches);
  return encoder.finish();
}

/** All dispatches of a run in one pass, and behind it, where a staging buffer is given, the copies of its outputs. */
export function encodeRun(device: GPUDevice, instance: Instance, staging: GPUBuffer | undefined): GPUCommandBuffer {
  const encoder = device.createCommandEncoder();
  encodeDispatches(encoder, instance.dispatches);
  instance.outputs.forEach((port, index) => {
    const to = instance.stagingOffsets[index] ?? 0;
    if (staging) encoder.copyBufferToBuffer(bufferOf(instance, port), port.offset, staging, to, port.bytes);
  });
  return encoder.finish();
}

/** The outputs of a run, from the mapped bytes of its staging buffer. */
export function readOutputs({ outputs, stagingOffsets }: Instance, mapped: ArrayBuffer): Record<string, HostTensor> {
  const results = outputs.map(({ name, shape, layout, bytes }, index): [string, HostTensor] => {
    const elements = elementsOf(mapped, stagingOffsets[index] ?? 0, bytes, layout);
    return [name, { shape, data: unpack(elements, layout) }];
  });
  return Object.fromEntries(results);
}

export function destroyInstance({ arena, uniforms, staging }: Instance): void {
  for (const buffer of [arena, uniforms, staging]) buffer.destroy();
}

const rangeOf = (buffer: GPUBuffer, region: Region, symbols: Symbols): GPUBufferBinding => ({
  buffer,
  offset: sizeAt(region.offset, symbols),
  size: sizeAt(region.bytes, symbols),
});

// Limits are checked before Dawn is asked: an oversized request fails late and with less to say.
function checkSizes(device: GPUDevice, plan: Plan, symbols: Symbols, arenaBytes: number): void {
  const { maxBufferSize, maxStorageBufferBindingSize, maxComputeWorkgroupsPerDimension } = device.limits;
  const hint = 'use a smaller batch, or a device with higher limits (cnnc doctor lists them)';
  const refuse = (message: string): never => {
    throw new RuntimeFault('E0902', 'environment', message, hint);
  };
  if (arenaBytes > maxBufferSize) refuse(`the arena takes ${arenaBytes} bytes, the device allows ${maxBufferSize}`);
  for (const step of plan.steps) {
    const most = Math.max(...step.workgroups.map((size) => sizeAt(size, symbols)));
    const name = `${step.op} ${step.path}`.trim();
    if (most > maxComputeWorkgroupsPerDimension) {
      refuse(`${name} takes ${most} workgroups, the device allows ${maxComputeWorkgroupsPerDimension}`);
    }
    const bytes = sizeAt(step.result.region.bytes, symbols);
    if (bytes > maxStorageBufferBindingSize) {
      refuse(`the result of ${name} takes ${bytes} bytes, the device binds at most ${maxStorageBufferBindingSize}`);
    }
  }
}

function uploadUniforms(
  device: GPUDevice,
  plan: Plan,
  symbols: Symbols,
): { readonly buffer: GPUBuffer; readonly offsets: readonly number[] } {
  let bytes = 0;
  const offsets = plan.steps.map(({ uniforms }) => {
    const offset = bytes;
    bytes += align(Math.max(16, uniforms.length * 4));
    return offset;
  });
  const words = new Uint32Array(Math.max(alignment, bytes) / 4);
  plan.steps.forEach(({ uniforms }, index) => {
    const start = (offsets[index] ?? 0) / 4;
    uniforms.forEach((size, word) => (words[start + word] = evaluateSize(size, symbols)));
  });
  const buffer = device.createBuffer({ size: words.byteLength, usage: usage.uniform | usage.copyDst });
  device.queue.writeBuffer(buffer, 0, words);
  return { buffer, offsets };
}
