/** Which Vulkan loader and drivers the system offers, found by the Vulkan loader's own search rules. */
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';

/** A driver's description file (installable client driver, ICD) and the library it names. */
export interface VulkanDriver {
  readonly path: string;
  /** As written: a path, or a bare name for the dynamic linker; undefined where the file is broken. */
  readonly library: string | undefined;
  /** Whether the library exists; undefined for a bare name, which only the dynamic linker can tell. */
  readonly found: boolean | undefined;
}

/** The variable by which the user chose drivers, if any; the first one wins inside the loader, too. */
export function chosenDrivers(): { readonly variable: string; readonly value: string } | undefined {
  for (const variable of ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES']) {
    const value = process.env[variable];
    if (value) return { variable, value };
  }
  return undefined;
}

/** The drivers that the loader would try: the user's choice, else every `vulkan/icd.d/*.json` it looks for. */
export function findDrivers(): readonly VulkanDriver[] {
  const chosen = chosenDrivers();
  const files = chosen ? listed(chosen.value) : searchFolders().flatMap(jsonFiles);
  return files.map(describeDriver);
}

/** Folders of the loader's search on Linux (LoaderDriverInterface.md, "Linux Driver Discovery"). */
export function searchFolders(): readonly string[] {
  const env = process.env;
  const split = (value: string | undefined, fallback: string) => (value || fallback).split(delimiter);
  const home = homedir();
  const roots = [
    env['XDG_CONFIG_HOME'] || join(home, '.config'),
    ...split(env['XDG_CONFIG_DIRS'], '/etc/xdg'),
    '/usr/local/etc',
    '/etc',
    env['XDG_DATA_HOME'] || join(home, '.local/share'),
    ...split(env['XDG_DATA_DIRS'], '/usr/local/share:/usr/share'),
  ];
  return [...new Set(roots.filter(isAbsolute).map((root) => join(root, 'vulkan/icd.d')))];
}

/** Where `libvulkan.so.1` usually lies; undefined where it is in none of these places. */
export function findLoader(): string | undefined {
  const multiarch = process.arch === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  const folders = [
    ...(process.env['LD_LIBRARY_PATH'] ?? '').split(delimiter),
    `/usr/lib/${multiarch}`,
    `/lib/${multiarch}`,
    '/usr/local/lib',
    '/usr/lib64',
    '/lib64',
    '/usr/lib',
    '/lib',
    '/run/opengl-driver/lib',
  ];
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, 'libvulkan.so.1'))
    .find(existsSync);
}

function listed(value: string): readonly string[] {
  return value
    .split(delimiter)
    .filter((path) => path !== '')
    .flatMap((path) => (path.endsWith('.json') ? [path] : jsonFiles(path)));
}

function jsonFiles(folder: string): readonly string[] {
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.json'));
    return names.sort().map((name) => join(folder, name));
  } catch {
    // A folder that is absent or closed to us holds no drivers; the loader passes over it in the same way.
    return [];
  }
}

function describeDriver(path: string): VulkanDriver {
  const library = libraryOf(path);
  if (library === undefined) return { path, library, found: false };
  if (!library.includes('/')) return { path, library, found: undefined };
  return { path, library, found: existsSync(resolve(dirname(path), library)) };
}

function libraryOf(path: string): string | undefined {
  try {
    const json: unknown = JSON.parse(readFileSync(path, 'utf8'));
    const icd = typeof json === 'object' && json !== null && 'ICD' in json ? json.ICD : undefined;
    if (typeof icd !== 'object' || icd === null || !('library_path' in icd)) return undefined;
    return typeof icd.library_path === 'string' ? icd.library_path : undefined;
  } catch {
    // Unreadable or not JSON: the loader ignores such a file, and the report shows it as broken.
    return undefined;
  }
}
