/** The software Vulkan driver (SwiftShader) that travels inside the optional dependency `@sparticuz/chromium`. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';
import { RuntimeFault } from '../../errors.ts';
import { systemErrorCode, systemErrorReason } from '../file-access.ts';
import { readTar } from './tar.ts';

const packageName = '@sparticuz/chromium';
const needed = ['libvulkan.so.1', 'libvk_swiftshader.so', 'vk_swiftshader_icd.json'];
/** The archive unpacks to 15 MB; more than this is not the archive that we know. */
const unpackedLimit = 256 * 2 ** 20;

/** An unpacked driver: absolute paths of the loader library and of the driver's description file. */
export interface EmbeddedDriver {
  readonly folder: string;
  readonly loader: string;
  readonly icd: string;
}

/** Whether this platform can run the embedded driver: it is built for Linux on x64. */
export function embeddedDriverSupported(): boolean {
  return process.platform === 'linux' && process.arch === 'x64';
}

/** Path of the packed driver; undefined where the optional dependency is not installed. */
export function findPackedDriver(): string | undefined {
  try {
    const entry = createRequire(import.meta.url).resolve(packageName);
    const packed = join(dirname(dirname(dirname(entry))), 'bin', 'swiftshader.tar.br');
    return existsSync(packed) ? packed : undefined;
  } catch {
    // Resolution fails exactly where the package is absent, which is a state and no fault: it is optional.
    return undefined;
  }
}

/** Folders where the driver may be unpacked, in the order in which they are tried. */
function cacheFolders(): readonly string[] {
  const chosen = process.env['XDG_CACHE_HOME'];
  const home = process.env['HOME'];
  // The temporary folder is shared with other users, so the name there is the user's own; see `isPrivate`.
  const shared = join(tmpdir(), `cnnc-${process.getuid?.() ?? 'user'}`);
  if (chosen && isAbsolute(chosen)) return [join(chosen, 'cnnc'), shared];
  if (home && isAbsolute(home)) return [join(home, '.cache', 'cnnc'), shared];
  return [shared];
}

/** Whether nobody else can have put a library into a folder: it is ours and closed to writing by others. */
function isPrivate(folder: string): boolean {
  const status = statSync(folder, { throwIfNoEntry: false });
  return status !== undefined && status.uid === process.getuid?.() && (status.mode & 0o022) === 0;
}

/** The driver as unpacked by an earlier run; undefined where there is none. */
export function findUnpackedDriver(packed: string): EmbeddedDriver | undefined {
  const name = unpackedName(packed);
  const folders = cacheFolders()
    .filter(isPrivate)
    .map((cache) => join(cache, name));
  return folders.map(driverIn).find((driver) => driver !== undefined);
}

/** The driver, unpacked into the first usable cache folder unless it lies there. Throws E0901 where none is usable. */
export function unpackDriver(packed: string): EmbeddedDriver {
  const name = unpackedName(packed);
  const failures: string[] = [];
  for (const cache of cacheFolders()) {
    const found = isPrivate(cache) ? driverIn(join(cache, name)) : undefined;
    if (found) return found;
    try {
      return unpackInto(cache, name, readPacked(packed));
    } catch (error) {
      if (error instanceof RuntimeFault) throw error;
      failures.push(`${cache}: ${systemErrorReason(error)}`);
    }
  }
  throw new RuntimeFault(
    'E0901',
    'environment',
    `the software adapter cannot be unpacked (${failures.join('; ')})`,
    'set XDG_CACHE_HOME to a folder that can be written',
  );
}

/** The package's version names its contents; where it cannot be read, a hash of the archive does. */
function unpackedName(packed: string): string {
  return `swiftshader-${packedVersion(packed) ?? createHash('sha256').update(readFileSync(packed)).digest('hex')}`;
}

/** Version of the package that holds a packed driver; undefined where its package.json cannot be read. */
export function packedVersion(packed: string): string | undefined {
  try {
    const json: unknown = JSON.parse(readFileSync(join(dirname(dirname(packed)), 'package.json'), 'utf8'));
    if (typeof json !== 'object' || json === null || !('version' in json)) return undefined;
    return typeof json.version === 'string' && /^[\w.+-]+$/.test(json.version) ? json.version : undefined;
  } catch {
    return undefined;
  }
}

function driverIn(folder: string): EmbeddedDriver | undefined {
  if (!needed.every((name) => existsSync(join(folder, name)))) return undefined;
  return { folder, loader: join(folder, 'libvulkan.so.1'), icd: join(folder, 'vk_swiftshader_icd.json') };
}

function readPacked(packed: string): ReadonlyMap<string, Uint8Array> {
  const archive = decompress(packed);
  const files = new Map(readTar(archive, packed).map((entry) => [entry.name, entry.bytes]));
  const wanted = new Map<string, Uint8Array>();
  for (const name of needed) {
    const bytes = files.get(name);
    if (!bytes)
      throw new RuntimeFault('E0901', 'environment', `${packed} holds no ${name}`, 'run: npm install --force');
    wanted.set(name, bytes);
  }
  return wanted;
}

function decompress(packed: string): Uint8Array {
  try {
    return brotliDecompressSync(readFileSync(packed), { maxOutputLength: unpackedLimit });
  } catch (error) {
    const reason = systemErrorReason(error);
    throw new RuntimeFault('E0901', 'environment', `cannot unpack ${packed}: ${reason}`, 'run: npm install --force');
  }
}

/** Writes a temporary folder beside and renames it, so that a second process sees all files or none. */
function unpackInto(cache: string, name: string, files: ReadonlyMap<string, Uint8Array>): EmbeddedDriver {
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  if (!isPrivate(cache)) throw new Error('other users can write there');
  const target = join(cache, name);
  const temporary = mkdtempSync(join(cache, `.${name}-`));
  try {
    for (const [file, bytes] of files) writeFileSync(join(temporary, file), bytes, { mode: 0o644 });
    // Left over by a cleaner of old files, which removes single ones.
    if (existsSync(target) && !driverIn(target)) rmSync(target, { recursive: true, force: true });
    renameIfAbsent(temporary, target);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
  const driver = driverIn(target);
  if (!driver) throw new Error(`${name} was removed while it was unpacked`);
  return driver;
}

function renameIfAbsent(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    // Another process was faster: its folder has the same contents.
    const code = systemErrorCode(error);
    if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error;
  }
}
