/** Dawn instances: created once for each set of toggles and driver, and kept for the life of the process. */
import { RuntimeFault } from '../../errors.ts';

/** Where adapters are sought. */
export interface AdapterSource {
  /** The driver description file to use instead of the system's drivers and of the user's choice. */
  readonly icd?: string;
  /** The exact adapter name, as `adapterNames` lists it. */
  readonly name?: string;
  /** Whether to accept only adapters that run on the CPU. */
  readonly software?: boolean;
}

/** Dawn toggles to switch on and off (src/dawn/native/Toggles.cpp in Dawn's sources). */
export interface Toggles {
  readonly enable: readonly string[];
  readonly disable: readonly string[];
}

/** Dawn aborts at random when the object that `create()` returned is collected, so none ever is. */
const instances = new Map<string, GPU>();

/** The adapter of a source, and the instance that it belongs to; undefined where there is none. */
export async function requestAdapter(
  source: AdapterSource,
  toggles: Toggles,
): Promise<{ readonly gpu: GPU; readonly adapter: GPUAdapter } | undefined> {
  const flags = toggleFlags(toggles);
  if (source.name !== undefined) flags.push(`adapter=${source.name}`);
  const gpu = await instance(flags, source.icd);
  const options = source.software ? { forceFallbackAdapter: true } : {};
  const adapter = await withDriver(source.icd, () => gpu.requestAdapter(options));
  return adapter ? { gpu, adapter } : undefined;
}

/** Names of all adapters of a source. Dawn tells them only as the error for a name that does not exist. */
export async function adapterNames(source: AdapterSource): Promise<readonly string[]> {
  const gpu = await instance(['adapter=\u0001'], source.icd);
  try {
    await withDriver(source.icd, () => gpu.requestAdapter());
    return [];
  } catch (error) {
    const text = error instanceof Error ? error.message : '';
    return [...text.matchAll(/ \* backend: '[^']*', name: '(.*)'/g)].map((match) => match[1] ?? '');
  }
}

function toggleFlags({ enable, disable }: Toggles): string[] {
  const flags: string[] = [];
  if (enable.length > 0) flags.push(`enable-dawn-features=${enable.join(',')}`);
  if (disable.length > 0) flags.push(`disable-dawn-features=${disable.join(',')}`);
  return flags;
}

async function instance(flags: readonly string[], icd: string | undefined): Promise<GPU> {
  const key = JSON.stringify([flags, icd ?? [process.env['VK_DRIVER_FILES'], process.env['VK_ICD_FILENAMES']]]);
  const known = instances.get(key);
  if (known) return known;
  const { create, globals } = await loadDawn();
  // The constants (GPUBufferUsage, GPUMapMode, ...) are globals in browsers, and code that serves both relies on it.
  if (!('GPUBufferUsage' in globalThis)) Object.assign(globalThis, globals);
  const gpu = withDriver(icd, () => create([...flags]));
  instances.set(key, gpu);
  return gpu;
}

async function loadDawn(): Promise<typeof import('webgpu')> {
  try {
    return await import('webgpu');
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new RuntimeFault(
      'E0901',
      'environment',
      `Dawn's binding for Node cannot be loaded on ${process.platform}-${process.arch}: ${reason}`,
      'run: npm install webgpu@0.6.2',
    );
  }
}

/**
 * Runs `action` with the Vulkan loader pointed at one driver. The loader reads the variables while an instance is
 * made, which happens before `action` returns its promise; so they are put back at once and no child process
 * or later call sees them. Holds only on the main thread: `process.env` of a worker is a copy.
 */
function withDriver<T>(icd: string | undefined, action: () => T): T {
  // Mesa's drivers print a warning without this variable, which containers rarely set.
  process.env['XDG_RUNTIME_DIR'] ??= '/tmp';
  if (icd === undefined) return action();
  const saved = { icd: process.env['VK_ICD_FILENAMES'], files: process.env['VK_DRIVER_FILES'] };
  process.env['VK_ICD_FILENAMES'] = icd;
  delete process.env['VK_DRIVER_FILES'];
  try {
    return action();
  } finally {
    restore('VK_ICD_FILENAMES', saved.icd);
    restore('VK_DRIVER_FILES', saved.files);
  }
}

function restore(variable: string, value: string | undefined): void {
  if (value === undefined) delete process.env[variable];
  else process.env[variable] = value;
}
