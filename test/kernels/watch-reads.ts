/**
 * A device whose shaders note the highest index that they read or write in each of their bindings, wherever it lies.
 * Software adapters may run without bounds checks: then nothing but such a count shows what lies outside of a buffer.
 */

/** What one dispatch did to one of its bindings. */
export interface Reach {
  readonly shader: string;
  readonly binding: number;
  /** Bytes behind the end of what is bound; negative where its end is not met. */
  readonly beyond: number;
  /** Bytes behind the end of the buffer in which it lies. */
  readonly outside: number;
}

export interface WatchedDevice {
  readonly device: GPUDevice;
  /** What was noted since the last call. */
  readonly reaches: () => Promise<Reach[]>;
}

/** Place of the counters in a shader's bindings, beyond all of its own. */
const counterBinding = 64;
const counters = 64;
const usage = { mapRead: 0x1, copySrc: 0x4, copyDst: 0x8, storage: 0x80 } as const;

/** Bytes of an element of an array of such: `f32`, `vec4u`, `mat4x4f`. */
function elementBytes(name: string): number {
  const [, columns = '1', rows = '1'] = /^(?:mat(\d)x|vec)?(\d)?[fiu](?:32)?$/.exec(name) ?? [];
  if (!/^([fiu]32|vec[234][fiu]|mat[234]x[24]f)$/.test(name)) throw new Error(`no size is known of ${name}`);
  return 4 * Number(columns) * (rows === '3' ? 4 : Number(rows));
}

/** The index of the bracket that closes the one at `open`. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if (text[at] === '[') depth++;
    if (text[at] === ']' && --depth === 0) return at;
  }
  throw new Error('a bracket is not closed');
}

/** Text in which every index into a binding passes through a function that notes it. */
function watched(code: string): string {
  const access = /\bB(\d+)\[/g;
  let [text, from] = ['', 0];
  for (let match = access.exec(code); match; match = access.exec(code)) {
    const open = match.index + match[0].length - 1;
    const close = closing(code, open);
    text += `${code.slice(from, open)}[note(${match[1]}u, u32(${watched(code.slice(open + 1, close))}))]`;
    from = access.lastIndex = close + 1;
  }
  return text + code.slice(from);
}

const noting = `
@group(0) @binding(${counterBinding}) var<storage, read_write> highest: array<atomic<u32>>;
fn note(binding: u32, index: u32) -> u32 {
  atomicMax(&highest[binding], min(index, 0xfffffffeu) + 1u);
  return index;
}
`;

/** Bytes of an element of each binding, by its number. */
function elementsOf(code: string): Map<number, number> {
  const declared = code.matchAll(/@binding\((\d+)\) var<storage, \w+> B\d+: array<(\w+)>/g);
  return new Map([...declared].map(([, binding, element = '']) => [Number(binding), elementBytes(element)]));
}

interface Group {
  readonly entries: readonly GPUBindGroupEntry[];
  readonly counts: GPUBuffer;
  pipeline?: GPUComputePipeline;
}

/** `device` as kernels see it; what it creates is the device's own. */
export function watchReads(device: GPUDevice): WatchedDevice {
  const codes = new Map<GPUShaderModule, string>();
  const pipelines = new Map<GPUComputePipeline, string>();
  const groups = new Map<GPUBindGroup, Group>();
  const overrides: Partial<GPUDevice> = {
    createShaderModule: (descriptor) => {
      const module = device.createShaderModule({ ...descriptor, code: `${watched(descriptor.code)}${noting}` });
      codes.set(module, descriptor.code);
      return module;
    },
    createBindGroupLayout: ({ entries }) =>
      device.createBindGroupLayout({
        entries: [...entries, { binding: counterBinding, visibility: 4, buffer: { type: 'storage' } }],
      }),
    createComputePipelineAsync: async (descriptor) => {
      const pipeline = await device.createComputePipelineAsync(descriptor);
      pipelines.set(pipeline, codes.get(descriptor.compute.module) ?? '');
      return pipeline;
    },
    createBindGroup: ({ layout, entries }) => {
      const counts = device.createBuffer({ size: counters * 4, usage: usage.storage | usage.copySrc });
      const all = [...entries, { binding: counterBinding, resource: { buffer: counts } }];
      const group = device.createBindGroup({ layout, entries: all });
      groups.set(group, { entries: [...entries], counts });
      return group;
    },
    createCommandEncoder: (descriptor) => watchedEncoder(device.createCommandEncoder(descriptor), groups),
  };
  const proxy = new Proxy(device, {
    get: (target, name) => {
      const own: unknown = Reflect.get(overrides, name);
      const value: unknown = own ?? Reflect.get(target, name, target);
      return typeof value === 'function' && own === undefined ? (value.bind(target) as unknown) : value;
    },
  });
  const reaches = async (): Promise<Reach[]> => {
    const found: Reach[] = [];
    for (const { entries, counts, pipeline } of groups.values()) {
      const code = (pipeline && pipelines.get(pipeline)) ?? '';
      const highest = await readCounts(device, counts);
      for (const [binding, bytes] of elementsOf(code)) {
        const entry = entries.find((each) => each.binding === binding);
        const resource = entry?.resource;
        if (!resource || !('buffer' in resource)) throw new Error(`binding ${binding} is no part of a buffer`);
        const { buffer, offset = 0, size } = resource;
        const end = offset + (highest[binding] ?? 0) * bytes;
        const beyond = end - offset - (size ?? buffer.size - offset);
        found.push({ shader: code, binding, beyond, outside: end - buffer.size });
      }
    }
    groups.clear();
    return found;
  };
  return { device: proxy, reaches };
}

/** An encoder whose passes note which pipeline runs with which group. */
function watchedEncoder(encoder: GPUCommandEncoder, groups: ReadonlyMap<GPUBindGroup, Group>): GPUCommandEncoder {
  const begin = encoder.beginComputePass.bind(encoder);
  encoder.beginComputePass = (descriptor) => {
    const pass = begin(descriptor);
    const [setPipeline, setBindGroup] = [pass.setPipeline.bind(pass), pass.setBindGroup.bind(pass)];
    let current: GPUComputePipeline | undefined;
    pass.setPipeline = (pipeline) => {
      current = pipeline;
      setPipeline(pipeline);
    };
    pass.setBindGroup = (index: number, bound: GPUBindGroup | null) => {
      const group = bound ? groups.get(bound) : undefined;
      if (group && current) group.pipeline = current;
      setBindGroup(index, bound);
    };
    return pass;
  };
  return encoder;
}

async function readCounts(device: GPUDevice, counts: GPUBuffer): Promise<Uint32Array> {
  const staging = device.createBuffer({ size: counts.size, usage: usage.mapRead | usage.copyDst });
  const encoder = device.createCommandEncoder();
  encoder.copyBufferToBuffer(counts, 0, staging, 0, counts.size);
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(1);
  const values = new Uint32Array(staging.getMappedRange()).slice();
  staging.destroy();
  return values;
}
