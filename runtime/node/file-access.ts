/** Reading files with faults that name the file and the reason. */
import { closeSync, constants, openSync, readSync, statSync } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { RuntimeFault } from '../errors.ts';
import { fileKind, kindBytes } from './pictures/picture-kind.ts';

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'there is no such file or folder'],
  ['EACCES', 'permission denied'],
  ['EPERM', 'permission denied'],
  ['EISDIR', 'it is a folder'],
  ['EEXIST', 'a file lies there'],
  ['ENXIO', 'it is a socket, not a file'],
  ['ENOTDIR', 'a part of the path is not a folder'],
  ['ENAMETOOLONG', 'the name is too long'],
  ['EMFILE', 'too many files are open'],
  ['ENOSPC', 'the disk is full'],
  ['EROFS', 'the file system is read-only'],
  ['ELOOP', 'too many symbolic links'],
  ['ERR_FS_FILE_TOO_LARGE', 'it is larger than 2 GiB'],
  ['ERR_INVALID_ARG_VALUE', 'the name is not valid'],
]);

/** The `code` of a system error, as in `ENOENT`; undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Why the operating system refused, in words. */
export function systemErrorReason(error: unknown): string {
  const code = systemErrorCode(error);
  return (code && (reasons.get(code) ?? code)) || (error instanceof Error ? error.message : String(error));
}

/** The fault for a file that cannot be read: E0710. */
export function unreadable(path: string, error: unknown): RuntimeFault {
  const file = systemErrorCode(error) === 'ENOTDIR' ? fileInWay(path) : undefined;
  return file ?? new RuntimeFault('E0710', 'environment', `cannot read ${path}: ${systemErrorReason(error)}`);
}

/** The fault for a path of which a part is a file, named for what it is; undefined where none is. */
export function fileInWay(path: string): RuntimeFault | undefined {
  for (let part = path; part !== dirname(part); part = dirname(part)) {
    const words = wordsOfFile(part);
    if (words === undefined) continue;
    const help = isArchive(words) ? unpacking : undefined;
    const message = `cannot read ${path}: ${part === path ? 'it' : part} is ${words}, not a folder`;
    return new RuntimeFault('E0710', 'environment', message, help);
  }
  return undefined;
}

const isArchive = (words: string): boolean => words.endsWith('archive');
const unpacking = 'unpack it, and name the folder that comes out';

/** What to do about a file where files of a folder are expected; undefined where it is no archive. */
export function archiveHelp(path: string): string | undefined {
  const words = wordsOfFile(path);
  return words !== undefined && isArchive(words) ? `${path} is ${words}: ${unpacking}` : undefined;
}

/** Undefined where there is no file that can be read. */
function wordsOfFile(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return undefined;
    const handle = openSync(path, 'r');
    try {
      const start = new Uint8Array(kindBytes);
      return fileKind(start.subarray(0, readSync(handle, start))).words;
    } finally {
      closeSync(handle);
    }
  } catch {
    return undefined;
  }
}

/**
 * Opens what is a file. A pipe is opened without waiting for who writes to it, and refused: that may be nobody, and a device
 * may never end.
 */
async function openForReading(path: string): Promise<{ handle: FileHandle; bytes: number }> {
  // Windows has neither the flag nor the need of it.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  try {
    const status = await handle.stat();
    if (status.isDirectory()) throw Object.assign(new Error('folder'), { code: 'EISDIR' });
    if (!status.isFile()) throw new Error('it is a pipe or a device, not a file');
    return { handle, bytes: status.size };
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** All bytes of a file. Throws E0710. */
export async function readBytes(path: string): Promise<Uint8Array> {
  try {
    const { handle } = await openForReading(path);
    try {
      // A plain array: methods of a Buffer, as `slice`, share memory where those of others copy.
      const { buffer, byteOffset, byteLength } = await handle.readFile();
      return new Uint8Array(buffer, byteOffset, byteLength);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The text of a file, a byte-order mark included. Throws E0710. */
export const readText = async (path: string): Promise<string> => Buffer.from(await readBytes(path)).toString('utf8');

/** What lies at a path: a `file`, a `folder` or undefined for nothing. Throws E0710 where that cannot be told. */
export async function pathKind(path: string): Promise<'file' | 'folder' | undefined> {
  try {
    return (await stat(path)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw unreadable(path, error);
  }
}

/** A file read piece by piece at byte offsets. */
export interface RandomAccessFile {
  readonly path: string;
  readonly bytes: number;
  /** Exactly `length` bytes from `offset`. Throws E0710 where the file has become shorter or cannot be read. */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Opens a file for reading at offsets. Throws E0710. */
export async function openFile(path: string): Promise<RandomAccessFile> {
  try {
    const { handle, bytes } = await openForReading(path);
    return randomAccess(path, handle, bytes);
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** The same interface over bytes in memory, for files that had to be decompressed. */
export function inMemoryFile(path: string, bytes: Uint8Array): RandomAccessFile {
  return {
    path,
    bytes: bytes.byteLength,
    read: (offset, length) => Promise.resolve(bytes.subarray(offset, offset + length)),
    close: () => Promise.resolve(),
  };
}

function randomAccess(path: string, handle: FileHandle, size: number): RandomAccessFile {
  return {
    path,
    bytes: size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let done = 0;
      try {
        while (done < length) {
          const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
          if (bytesRead === 0) throw new Error('the file became shorter while it was read');
          done += bytesRead;
        }
      } catch (error) {
        throw unreadable(path, error);
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}
