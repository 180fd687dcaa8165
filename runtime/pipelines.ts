/** Pipelines of a plan's kernels, and whether a device can run the plan at all. */
import type { Artifact, Plan } from './artifact.ts';
import type { Compiled } from './buffers.ts';
import { RuntimeFault } from './errors.ts';
import { firstLine, joinLines } from './guarded.ts';

/** Throws E0902 where the device lacks a limit or a feature of the plan. */
export function checkLimits(device: GPUDevice, plan: Plan): void {
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

/** Pipelines by kernel file: plans of one artifact share what they have in common. */
export type PipelineCache = Map<string, Promise<Compiled>>;

/** One pipeline a kernel, in the plan's order. Throws E0715 for a missing file and E0905 for one that the GPU rejects. */
export function createPipelines(
  device: GPUDevice,
  artifact: Pick<Artifact, 'kernels'>,
  plan: Plan,
  cache: PipelineCache = new Map(),
): Promise<Compiled[]> {
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
  const compile = async ({ file, entryPoint, access }: Plan['kernels'][number], index: number): Promise<Compiled> => {
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
      const reason = fault
        ? `line ${fault.lineNum}: ${joinLines(fault.message)}`
        : error instanceof Error
          ? firstLine(error)
          : '';
      throw new RuntimeFault('E0905', 'runtime', `the GPU rejected ${file}${source}: ${reason}`);
    }
  };
  const pending = plan.kernels.map((kernel, index) => {
    const known = cache.get(kernel.file) ?? compile(kernel, index);
    cache.set(kernel.file, known);
    return known;
  });
  return Promise.all(pending);
}
