/** Gathers what decides whether and how a GPU can be used here, and the commands that mend what is missing. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { RuntimeFault } from '../../errors.ts';
import type { AdapterReport, DoctorReport } from './doctor-report.ts';
import { embeddedDriverSupported, findPackedDriver, findUnpackedDriver, packedVersion } from './embedded-driver.ts';
import { embedded, systemAdapters } from './find-adapter.ts';
import type { FoundAdapter } from './find-adapter.ts';
import { suggestFixes } from './suggest-fixes.ts';
import { findDrivers, findLoader } from './vulkan.ts';

const reportedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxStorageBuffersPerShaderStage',
  'minStorageBufferOffsetAlignment',
  'maxComputeInvocationsPerWorkgroup',
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeWorkgroupSizeY',
  'maxComputeWorkgroupSizeZ',
  'maxComputeWorkgroupsPerDimension',
] as const;

/** Examines the machine. Unpacks and tries the embedded software adapter, too. Never throws for what it finds. */
export async function diagnoseEnvironment(): Promise<DoctorReport> {
  const system = await attempt(() => systemAdapters(noToggles));
  const adapters = (system.value ?? []).map(reportAdapter);
  const software = await diagnoseSoftware();
  const facts = {
    node: { version: process.version, supported: nodeSupported(process.version) },
    platform: `${process.platform}-${process.arch}`,
    kernel: release(),
    webgpu: { version: moduleVersion('webgpu'), fault: system.fault },
    vulkan: diagnoseVulkan(),
    hardware: displayHardware(),
    adapters,
    software,
    usable: adapters.length > 0 || software.state === 'ready',
  };
  return { ...facts, fixes: suggestFixes(facts) };
}

const noToggles = () => ({ enable: [], disable: [] });

/** Node 20.19 is the floor. */
function nodeSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}

async function attempt<T>(
  action: () => Promise<T>,
): Promise<{ readonly value?: T; readonly fault: string | undefined }> {
  try {
    return { value: await action(), fault: undefined };
  } catch (error) {
    if (!(error instanceof RuntimeFault)) throw error;
    return { fault: error.message };
  }
}

function reportAdapter({ adapter, info }: FoundAdapter): AdapterReport {
  const limits = Object.fromEntries(reportedLimits.map((name) => [name, adapter.limits[name]]));
  return { info, limits, features: [...adapter.features].sort() };
}

function diagnoseVulkan(): DoctorReport['vulkan'] {
  const names = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES', 'VK_LOADER_DRIVERS_DISABLE', 'XDG_RUNTIME_DIR'];
  const set = names.flatMap((name) => (process.env[name] ? [[name, process.env[name]] as const] : []));
  const linux = process.platform === 'linux';
  const drivers = linux ? findDrivers() : [];
  return { loader: linux ? findLoader() : undefined, drivers, variables: Object.fromEntries(set) };
}

async function diagnoseSoftware(): Promise<DoctorReport['software']> {
  const packed = findPackedDriver();
  const known = { package: packed && packedVersion(packed), koffi: moduleVersion('koffi') };
  const none = { ...known, folder: undefined, adapter: undefined, fault: undefined };
  if (!embeddedDriverSupported()) return { ...none, state: 'unsupported platform' };
  if (!packed) return { ...none, state: 'not installed' };
  const tried = await attempt(() => embedded(noToggles));
  const folder = findUnpackedDriver(packed)?.folder;
  if (!tried.value) return { ...known, folder, adapter: undefined, fault: tried.fault, state: 'broken' };
  return { ...known, folder, adapter: reportAdapter(tried.value), fault: undefined, state: 'ready' };
}

/** Version of an installed package; undefined where it is absent. Packages may hide their package.json. */
function moduleVersion(name: string): string | undefined {
  try {
    let folder = dirname(createRequire(import.meta.url).resolve(name));
    while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder);
    const json: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (typeof json !== 'object' || json === null || !('version' in json)) return undefined;
    return typeof json.version === 'string' ? json.version : undefined;
  } catch {
    return undefined;
  }
}

const vendors: ReadonlyMap<string, string> = new Map([
  ['0x10de', 'NVIDIA'],
  ['0x1002', 'AMD'],
  ['0x8086', 'Intel'],
]);

/** PCI class 03 is a display controller; 0302 is a 3D controller without a display, as in data centres. */
function displayHardware(): readonly string[] {
  const bus = '/sys/bus/pci/devices';
  try {
    const devices = readdirSync(bus).map((device) => join(bus, device));
    const displays = devices.filter((device) => readFileSync(join(device, 'class'), 'utf8').startsWith('0x03'));
    const ids = displays.map((device) => readFileSync(join(device, 'vendor'), 'utf8').trim());
    return ids.map((id) => vendors.get(id) ?? `vendor ${id}`);
  } catch {
    // No PCI bus, or none that we may see: the report then names no hardware.
    return [];
  }
}
