/** Opens a GPU device in Node: the system's adapter, or a software adapter where there is none. */
import { RuntimeFault } from '../../errors.ts';
import { joinLines } from '../../guarded.ts';
import { adapterTitle } from './adapter-info.ts';
import type { AdapterInfo } from './adapter-info.ts';
import type { Toggles } from './dawn.ts';
import { findAdapter } from './find-adapter.ts';
import type { FoundAdapter } from './find-adapter.ts';

export interface DeviceOptions {
  /** `default`, `software`, `swiftshader`, or a part of a vendor, architecture, device or driver name. */
  readonly adapter?: string | undefined;
  /** Short for `adapter: 'software'`. */
  readonly software?: boolean | undefined;
  /**
   * Vouches for all that will run on the device: software adapters then leave out the bounds check of every access
   * (Dawn's toggle `disable_robustness`), and a kernel that reads outside of its buffers reads or ends the process. For
   * artifacts that were compiled here or come from a place that is trusted like code. Default: false.
   */
  readonly trusted?: boolean | undefined;
  /** Dawn toggles to switch on besides. */
  readonly toggles?: readonly string[] | undefined;
  /** Limits that must hold: E0902 where the adapter has less. The adapter's own compute limits always hold. */
  readonly requiredLimits?: Readonly<Record<string, number>> | undefined;
  /** Features that must be there: E0902 otherwise. */
  readonly requiredFeatures?: readonly string[] | undefined;
  /** Told once, in one line, that a software adapter is used. */
  readonly onNotice?: ((text: string) => void) | undefined;
  /** Told when the device is lost for any reason other than `close()`. */
  readonly onLost?: ((fault: RuntimeFault) => void) | undefined;
}

export interface OpenedDevice {
  /** Must stay referenced while the device is used. */
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly device: GPUDevice;
  readonly info: AdapterInfo;
  /** Destroys the device and its buffers; Node can then exit by itself. Harmless when called again. */
  close(): void;
}

/** Limits that are asked for in full. A larger limit costs nothing until it is used. */
const fullLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

const usefulFeatures = ['shader-f16', 'subgroups', 'timestamp-query'] as const;

/**
 * Opens a device with all of the adapter's compute limits and, where present, `shader-f16`, `subgroups` and
 * `timestamp-query`. Throws E0901 (no adapter) and E0902 (a required limit or feature is missing).
 */
export async function openDevice(options: DeviceOptions = {}): Promise<OpenedDevice> {
  const wanted = options.software ? 'software' : (options.adapter ?? 'default');
  const found = await findAdapter(wanted, (isSoftware) => toggles(options, isSoftware));
  checkRequired(found, options);
  const device = await requestDevice(found, options);
  if (found.info.isSoftware) options.onNotice?.(`using a software adapter: ${adapterTitle(found.info)}`);
  return opened(found, device, options);
}

function toggles(options: DeviceOptions, isSoftware: boolean): Toggles {
  const unchecked = options.trusted === true && isSoftware;
  return {
    enable: [...(unchecked ? ['disable_robustness'] : []), ...(options.toggles ?? [])],
    // Timestamps rounded to 0.1 ms, as browsers want them, cannot measure a kernel.
    disable: ['timestamp_quantization'],
  };
}

/** A limit by its name; undefined for a name that this adapter does not know. */
function limitOf(limits: GPUSupportedLimits, name: string): number | undefined {
  const value: unknown = Reflect.get(limits, name);
  return typeof value === 'number' ? value : undefined;
}

/** `minUniformBufferOffsetAlignment` and its like are better when smaller. */
function limitHolds(name: string, actual: number, required: number): boolean {
  return name.startsWith('min') ? actual <= required : actual >= required;
}

function checkRequired({ adapter, info }: FoundAdapter, options: DeviceOptions): void {
  const lacking = [];
  for (const [name, required] of Object.entries(options.requiredLimits ?? {})) {
    const actual = limitOf(adapter.limits, name);
    if (actual === undefined) lacking.push(`it does not know the limit ${name}`);
    else if (!limitHolds(name, actual, required)) lacking.push(`${name} is ${actual} and must be ${required}`);
  }
  for (const name of options.requiredFeatures ?? []) {
    if (!adapter.features.has(name)) lacking.push(`it has no ${name}`);
  }
  if (lacking.length > 0) {
    throw new RuntimeFault('E0902', 'environment', `${adapterTitle(info)} will not do: ${lacking.join('; ')}`);
  }
}

async function requestDevice({ adapter, info }: FoundAdapter, options: DeviceOptions): Promise<GPUDevice> {
  const limits: Record<string, number> = { ...options.requiredLimits };
  for (const name of fullLimits) limits[name] = adapter.limits[name];
  const features = new Set<string>([...usefulFeatures, ...(options.requiredFeatures ?? [])]);
  const requiredFeatures = [...adapter.features].filter(isFeatureName).filter((name) => features.has(name));
  try {
    return await adapter.requestDevice({ requiredLimits: limits, requiredFeatures });
  } catch (error) {
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
    throw new RuntimeFault(
      'E0901',
      'environment',
      `${adapterTitle(info)} gives no device: ${reason}`,
      'run: cnnc doctor',
    );
  }
}

/** What an adapter lists is by definition the name of a feature; the type of the set is only `string`. */
function isFeatureName(name: string): name is GPUFeatureName {
  return name !== '';
}

function opened(found: FoundAdapter, device: GPUDevice, options: DeviceOptions): OpenedDevice {
  let closed = false;
  void device.lost.then(({ reason, message }) => {
    if (closed) return;
    const text = `the device of ${adapterTitle(found.info)} was lost (${reason}): ${joinLines(message)}`;
    options.onLost?.(new RuntimeFault('E0903', 'runtime', text));
  });
  const close = () => {
    closed = true;
    device.destroy();
  };
  return { gpu: found.gpu, adapter: found.adapter, device, info: found.info, close };
}
