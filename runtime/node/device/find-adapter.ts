/** Finds the adapter that the user asked for: the system's, the one named, or the embedded software adapter. */
import { RuntimeFault } from '../../errors.ts';
import { adapterTitle, describeAdapter, matchesAdapter } from './adapter-info.ts';
import type { AdapterInfo } from './adapter-info.ts';
import { adapterNames, requestAdapter } from './dawn.ts';
import type { AdapterSource, Toggles } from './dawn.ts';
import { embeddedDriverSupported, findPackedDriver, unpackDriver } from './embedded-driver.ts';
import { chosenDrivers, findDrivers, findLoader } from './vulkan.ts';

/** An adapter with the Dawn instance that it belongs to. */
export interface FoundAdapter {
  readonly gpu: GPU;
  readonly adapter: GPUAdapter;
  readonly info: AdapterInfo;
}

/** How toggles follow from what kind of adapter it is. */
export type TogglesFor = (isSoftware: boolean) => Toggles;

/**
 * The adapter for `wanted`: `default`, `software`, `swiftshader` or a part of a name in any case.
 * Throws E0901 where there is none; the message lists what there is.
 */
export async function findAdapter(wanted: string, togglesFor: TogglesFor): Promise<FoundAdapter> {
  const name = wanted.toLowerCase();
  if (name === 'default') return (await systemAdapter({}, togglesFor)) ?? (await fallBack(togglesFor));
  if (name === 'software') return (await systemAdapter({ software: true }, togglesFor)) ?? (await embedded(togglesFor));
  const named = await adapterByName(name, togglesFor);
  if (named) return named;
  if (name === 'swiftshader') return embedded(togglesFor);
  throw await noSuchAdapter(wanted, togglesFor);
}

/** Every adapter of the system's drivers, in Dawn's order. */
export async function systemAdapters(togglesFor: TogglesFor): Promise<readonly FoundAdapter[]> {
  if (!systemHasDrivers()) return [];
  await loadMissingLoader();
  const found = [];
  for (const name of await adapterNames({})) found.push(await take({ name }, togglesFor));
  return found.filter((adapter) => adapter !== undefined);
}

/**
 * The software adapter that travels with the optional dependencies, unpacked at its first use.
 * Throws E0901 where this platform has none, it is not installed, or it does not start.
 */
export async function embedded(togglesFor: TogglesFor): Promise<FoundAdapter> {
  const icd = (await loadEmbeddedLoader()).icd;
  const found = await take({ icd }, togglesFor);
  if (found) return found;
  throw new RuntimeFault('E0901', 'environment', `the embedded software adapter does not start (${icd})`, doctorHint);
}

const doctorHint = 'run: cnnc doctor';
const installHint = 'run: npm install --include=optional';

/** Vulkan drivers are files on Linux; elsewhere the system itself brings Metal or Direct3D 12. */
function systemHasDrivers(): boolean {
  return process.platform !== 'linux' || findDrivers().length > 0;
}

async function systemAdapter(source: AdapterSource, togglesFor: TogglesFor): Promise<FoundAdapter | undefined> {
  // Asking Dawn without any driver makes it print warnings that help nobody.
  if (!systemHasDrivers()) return undefined;
  await loadMissingLoader();
  return take(source, togglesFor);
}

/** A driver that the user chose is never silently replaced. */
function fallBack(togglesFor: TogglesFor): Promise<FoundAdapter> {
  const chosen = chosenDrivers();
  if (!chosen) return embedded(togglesFor);
  throw new RuntimeFault(
    'E0901',
    'environment',
    `no adapter came of ${chosen.variable}=${chosen.value}`,
    `correct the path, or unset ${chosen.variable} to let the adapter be found`,
  );
}

/** The system's adapters come first; the embedded one goes by its own words as well. */
async function adapterByName(name: string, togglesFor: TogglesFor): Promise<FoundAdapter | undefined> {
  if (name === '') return undefined;
  const all = await systemAdapters(togglesFor);
  const found = all.find(({ info }) => matchesAdapter(info, name));
  if (found || !hasEmbedded()) return found;
  const own = await embedded(togglesFor);
  return matchesAdapter(own.info, name) ? own : undefined;
}

function hasEmbedded(): boolean {
  return embeddedDriverSupported() && findPackedDriver() !== undefined;
}

async function noSuchAdapter(wanted: string, togglesFor: TogglesFor): Promise<RuntimeFault> {
  const titles = (await systemAdapters(togglesFor)).map((found) => adapterTitle(found.info));
  if (hasEmbedded()) titles.push('software (embedded SwiftShader)');
  const list = titles.length === 0 ? 'there is none at all' : `there are: ${titles.join('; ')}`;
  return new RuntimeFault('E0901', 'environment', `no adapter is called '${wanted}'; ${list}`, doctorHint);
}

/** Takes the adapter with the toggles for the likely kind, and again where the kind turns out to be the other one. */
async function take(source: AdapterSource, togglesFor: TogglesFor): Promise<FoundAdapter | undefined> {
  const guess = source.icd !== undefined || source.software === true || onlySoftwareDrivers();
  const first = await requestAdapter(source, togglesFor(guess));
  if (!first) return undefined;
  const info = describeAdapter(first.adapter.info);
  if (info.isSoftware === guess) return { ...first, info };
  const second = await requestAdapter(source, togglesFor(info.isSoftware));
  return second ? { ...second, info } : undefined;
}

function onlySoftwareDrivers(): boolean {
  const drivers = process.platform === 'linux' ? findDrivers() : [];
  return drivers.length > 0 && drivers.every(({ path }) => /swiftshader|lvp_icd|lavapipe/i.test(path));
}

let loaderTried: Promise<unknown> | undefined;

/** Drivers without a loader (`libvulkan.so.1`), as in a container: the embedded one serves them as well. */
function loadMissingLoader(): Promise<unknown> {
  loaderTried ??= loadLoaderIfMissing();
  return loaderTried;
}

async function loadLoaderIfMissing(): Promise<void> {
  if (process.platform !== 'linux' || findLoader() !== undefined || (await tryLoad('libvulkan.so.1'))) return;
  if (hasEmbedded()) await loadEmbeddedLoader();
}

async function loadEmbeddedLoader(): Promise<{ readonly icd: string }> {
  if (!embeddedDriverSupported()) {
    const place = `${process.platform}-${process.arch}`;
    throw new RuntimeFault('E0901', 'environment', `no GPU adapter, and no software adapter for ${place}`, doctorHint);
  }
  const packed = findPackedDriver();
  if (!packed) {
    const message = 'no GPU adapter, and the optional package @sparticuz/chromium with a software one is not installed';
    throw new RuntimeFault('E0901', 'environment', message, installHint);
  }
  const driver = unpackDriver(packed);
  if (!(await tryLoad(driver.loader)) && !(await tryLoad('libvulkan.so.1'))) {
    const message = `the Vulkan loader ${driver.loader} cannot be loaded with koffi`;
    throw new RuntimeFault('E0901', 'environment', message, installHint);
  }
  return driver;
}

/** Libraries stay loaded for the life of the process: Dawn's own dlopen finds them by name. */
const libraries = new Map<string, unknown>();

async function tryLoad(library: string): Promise<boolean> {
  if (libraries.has(library)) return true;
  try {
    const koffi = await import('koffi');
    libraries.set(library, koffi.load(library, { global: true }));
    return true;
  } catch {
    // koffi is optional, and a library that is absent is the very question; callers report what follows.
    return false;
  }
}
