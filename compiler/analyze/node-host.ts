/** The analyzer's host on Node: the file system, read only. */
import { closeSync, constants, existsSync, fstatSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AnalyzeHost } from './host.ts';

/** The nearest folder at or above `start` that holds one of the names. */
function findUp(start: string, names: readonly string[]): string | undefined {
  for (let folder = start; ; folder = dirname(folder)) {
    if (names.some((name) => existsSync(join(folder, name)))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}

function realpathOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

/** Undefined as well for pipes and devices, which may never end: they are opened without waiting for who writes to them. */
function textOf(path: string): string | undefined {
  try {
    // Windows has neither the flag nor the need of it.
    const handle = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      return fstatSync(handle).isFile() ? readFileSync(handle, 'utf8') : undefined;
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

/** Compiled code lies one folder deeper than the sources, so the library is looked for upwards. */
function stdlibFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  return join(findUp(here, [join('stdlib', 'vision.cnn')]) ?? here, 'stdlib');
}

/** A project is the nearest folder with a `package.json` or a `.git`, else the file's own folder. */
function projectRoot(entryPath: string): string {
  const folder = dirname(realpathOf(entryPath) ?? resolve(entryPath));
  return findUp(folder, ['package.json', '.git']) ?? folder;
}

/** A host that reads the file system; `dataFolder` is the value of `$CNNC_DATA`. */
export function nodeHost(options: { readonly dataFolder?: string | undefined } = {}): AnalyzeHost {
  const dataFolder = options.dataFolder ?? process.env['CNNC_DATA'];
  return {
    readText: textOf,
    realpath: realpathOf,
    stdlib: stdlibFolder(),
    projectRoot,
    ...(dataFolder ? { dataFolder } : {}),
  };
}
