/** What an adapter says about itself, and what follows from it: software or GPU, driver name and version. */
import type { ProfileName } from '../../artifact.ts';

/** Name and version of a driver, as in `SwiftShader driver` and `5.0.0`; empty where the adapter does not say. */
export interface DriverInfo {
  readonly name: string;
  readonly version: string;
}

/** An adapter's own words plus the profile of the plan that suits it. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  /** Whether shaders run on the CPU. */
  readonly isSoftware: boolean;
  readonly profile: ProfileName;
  readonly driver: DriverInfo;
}

/** Names of drivers that run on the CPU: SwiftShader, Mesa's lavapipe on llvmpipe, Microsoft's WARP. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|software rasterizer|microsoft basic render/i;

/** Reads a GPUAdapterInfo. */
export function describeAdapter(info: GPUAdapterInfo): AdapterInfo {
  const { vendor, architecture, device, description } = info;
  const words = `${vendor} ${architecture} ${device} ${description}`;
  const isSoftware = info.isFallbackAdapter || softwareNames.test(words);
  const profile = isSoftware ? 'software' : 'gpu';
  return { vendor, architecture, device, description, isSoftware, profile, driver: parseDriver(description) };
}

/** Splits Dawn's description, `NAME VERSION` or `NAME: DETAIL VERSION`, at its first number with a point. */
export function parseDriver(description: string): DriverInfo {
  const found = /(?:^|[\s:]+)(\d+\.\d.*)$/.exec(description);
  if (!found) return { name: description, version: '' };
  return { name: description.slice(0, found.index), version: found[1] ?? '' };
}

/** Whether a name given by the user, in any case, is part of what the adapter says. */
export function matchesAdapter(info: AdapterInfo, wanted: string): boolean {
  const needle = wanted.toLowerCase();
  const words = [info.vendor, info.architecture, info.device, info.description];
  return words.some((word) => word.toLowerCase().includes(needle));
}

/** One line for messages: the driver, and vendor and architecture in brackets. */
export function adapterTitle(info: AdapterInfo): string {
  const kind = [info.vendor, info.architecture].filter((word) => word !== '').join(' ');
  return kind === '' ? info.description : `${info.description || info.device} (${kind})`;
}
