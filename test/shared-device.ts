/**
 * One device for each way to open it, for all tests of a process. Equal shaders are compiled once as long as a pipeline
 * of theirs is kept, and compiling is most of what tests do on a software adapter.
 */
import { openDevice as openNew, type DeviceOptions, type OpenedDevice } from '../runtime/node/device/device.ts';

/** Of the process, whatever files it tests and however often this module is loaded. */
const own = globalThis as { sharedDevices?: Map<string, Promise<OpenedDevice>> };
const shared = (own.sharedDevices ??= new Map());

/** Pipelines that a device keeps: a full run makes many thousands, which would fill the memory. */
const mostKept = 1000;

/** A device that stays open: its `close` does nothing. Opened by `open`, or as `openDevice` does. */
export function sharedDevice(options: DeviceOptions = {}, open = openNew): Promise<OpenedDevice> {
  const { onNotice = (text: string) => console.log(text), onLost: _, ...way } = options;
  const key = JSON.stringify(way);
  const known = shared.get(key) ?? openForever(open, { ...way, onNotice });
  shared.set(key, known);
  return known;
}

async function openForever(open: typeof openNew, options: DeviceOptions): Promise<OpenedDevice> {
  const opened = await open(options);
  const { device } = opened;
  const kept: GPUComputePipeline[] = [];
  const create = device.createComputePipelineAsync.bind(device);
  device.createComputePipelineAsync = async (descriptor) => {
    const pipeline = await create(descriptor);
    kept.push(pipeline);
    if (kept.length > mostKept) kept.shift();
    return pipeline;
  };
  process.once('exit', () => opened.close());
  return { ...opened, close: () => undefined };
}
