/** Runs a plan one step at a time and hands over what each wrote; for comparing layer by layer and for finding NaN. */
import type { Plan, Step } from './artifact.ts';
import { bufferOf, portOf, type Instance, type Symbols } from './buffers.ts';
import { readStaging } from './guarded.ts';
import type { HostTensor } from './host-tensor.ts';
import { elementsOf, unpack } from './layout.ts';
import type { Lifetime } from './lifetime.ts';

/** Sees a step and its result; `false` ends the trace. */
export type Visit = (step: Step, result: HostTensor) => boolean | void;

export async function traceSteps(
  device: GPUDevice,
  plan: Plan,
  instance: Instance,
  symbols: Symbols,
  visit: Visit,
  lifetime: Lifetime,
): Promise<void> {
  for (const [index, step] of plan.steps.entries()) {
    // What reads buffers that were destroyed meanwhile would hand over zeros.
    lifetime.check();
    const dispatch = instance.dispatches[index];
    if (!dispatch) continue;
    const port = portOf(step.result, symbols);
    const { shape, layout, offset, bytes } = port;
    const staging = device.createBuffer({ size: bytes, usage: 0x1 | 0x8 });
    const encoder = device.createCommandEncoder();
    const pass = encoder.beginComputePass();
    pass.setPipeline(dispatch.pipeline);
    pass.setBindGroup(0, dispatch.bindGroup);
    pass.dispatchWorkgroups(...dispatch.workgroups);
    pass.end();
    encoder.copyBufferToBuffer(bufferOf(instance, port), offset, staging, 0, bytes);
    device.queue.submit([encoder.finish()]);
    const data = unpack(elementsOf(await readStaging(device, staging), 0, bytes, layout), layout);
    staging.destroy();
    if (visit(step, { shape, data }) === false) return;
  }
}
