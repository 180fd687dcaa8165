/** The `package.json` of a new project: it depends on the cnnc that wrote it, wherever that came from. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../../../version.ts';

/** The folder of this package. Sources lie two folders below it, compiled code three. */
export function packageFolder(from = dirname(fileURLToPath(import.meta.url))): string {
  for (let at = from; ; at = dirname(at)) {
    if (existsSync(join(at, 'package.json')) || at === dirname(at)) return at;
  }
}

/**
 * What a `package.json` in `folder` says to depend on the package in `installed`: the version where a registry had it,
 * the tarball or address where the project around `installed` names one, else the folder itself, as of a checkout.
 */
export function dependencyOn(installed: string, folder: string): string {
  const asked = askedFor(installed);
  if (asked === undefined) return filePath(installed, folder);
  const { project, text } = asked;
  const file = /^file:(.*)$/.exec(text)?.[1] ?? (/^[./~]|^[A-Za-z]:[\\/]/.test(text) ? text : undefined);
  if (file !== undefined) {
    const path = resolve(project, file);
    return existsSync(path) ? filePath(path, folder) : filePath(installed, folder);
  }
  return /[:/]/.test(text) ? text : version;
}

/** What the project in whose `node_modules` the package lies has in its own `package.json`. */
function askedFor(installed: string): { readonly project: string; readonly text: string } | undefined {
  const parts = installed.split(/[/\\]/);
  const at = parts.indexOf('node_modules');
  if (at < 0) return undefined;
  const project = installed.slice(0, parts.slice(0, at).join('/').length);
  const file = readPackage(join(project, 'package.json'));
  const name = basename(installed);
  for (const key of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    const text = recordOf(recordOf(file)?.[key])?.[name];
    if (typeof text === 'string') return { project, text };
  }
  return undefined;
}

/** `file:` and a path with forward slashes, as on every system; absolute on another drive. */
function filePath(path: string, folder: string): string {
  const way = relative(realFolder(folder), realFolder(path));
  const text = (isAbsolute(way) ? path : way).replaceAll('\\', '/');
  return `file:${text === '' ? '.' : text}`;
}

/** Links followed as far as the path exists: `..` behind a link leads elsewhere than its text says. */
function realFolder(path: string): string {
  const full = resolve(path);
  if (existsSync(full)) return realpathSync(full);
  const parent = dirname(full);
  return parent === full ? full : join(realFolder(parent), basename(full));
}

/** The text of a `package.json` for a project in `folder`. */
export function projectPackage(folder: string, installed = packageFolder()): string {
  const name = basename(resolve(folder))
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[._-]+/, '');
  const file = {
    name: name === '' || name === 'cnnc' || name === 'node_modules' ? 'my-network' : name,
    private: true,
    scripts: { check: 'cnnc check model.cnn', train: 'cnnc train model.cnn' },
    dependencies: { cnnc: dependencyOn(installed, folder) },
  };
  return `${JSON.stringify(file, undefined, 2)}\n`;
}

/** Whether npx finds a cnnc from `folder` on, without a look at the registry. */
export function isInstalledFor(folder: string): boolean {
  for (let at = resolve(folder); ; at = dirname(at)) {
    if (existsSync(join(at, 'node_modules', 'cnnc', 'package.json'))) return true;
    if (at === dirname(at)) return false;
  }
}

/** Whether the `package.json` at this path names cnnc; undefined where there is none. */
export function dependsOnCnnc(path: string): boolean | undefined {
  if (!existsSync(path)) return undefined;
  const file = recordOf(readPackage(path));
  return ['dependencies', 'devDependencies'].some((key) => recordOf(file?.[key])?.['cnnc'] !== undefined);
}

/** Undefined for what cannot be read as JSON. */
function readPackage(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

const recordOf = (value: unknown): Readonly<Record<string, unknown>> | undefined =>
  typeof value === 'object' && value !== null ? { ...value } : undefined;
