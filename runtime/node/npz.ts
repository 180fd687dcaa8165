/**
 * Reads NumPy's npz files: zip archives of npy files (PKWARE's APPNOTE.TXT, 4.3). Only what NumPy writes is accepted,
 * and the directory is checked before anything is inflated.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { RuntimeFault } from '../errors.ts';
import type { RandomAccessFile } from './file-access.ts';

const maxEntries = 10_000;
const maxRatio = 200;
const maxTotalBytes = 2 ** 32;
const maxDirectoryBytes = 2 ** 24;

const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locatorSignature = 0x07064b50;
const entrySignature = 0x02014b50;
const localSignature = 0x04034b50;
/** A field of four bytes whose value stands in the Zip64 extra field. */
const in64 = 0xffffffff;

/** One array of an archive. */
export interface NpzEntry {
  /** Without `.npy`. */
  readonly name: string;
  readonly compressed: number;
  readonly bytes: number;
  readonly method: 'stored' | 'deflated';
  readonly crc: number;
  /** Of the local header in the file. */
  readonly offset: number;
}

function malformed(file: RandomAccessFile, detail: string): RuntimeFault {
  return new RuntimeFault('E0718', 'input', `${file.path}: ${detail}`);
}

/**
 * The arrays of an archive by name. Throws E0718 for a broken directory, more than 10,000 entries, an entry that
 * unpacks to more than 200 times its size, more than 4 GiB in all, names that are paths or that occur twice, entries
 * that overlap, encryption and other methods than stored and deflated; E0710 where the file cannot be read.
 */
export async function readNpzDirectory(file: RandomAccessFile): Promise<ReadonlyMap<string, NpzEntry>> {
  const { count, offset, bytes } = await findDirectory(file);
  if (count > maxEntries) throw malformed(file, `it has ${count} entries, more than ${maxEntries}`);
  if (bytes > maxDirectoryBytes || offset + bytes > file.bytes) {
    throw malformed(file, 'its directory does not lie inside of the file');
  }
  const entries = readEntries(file, await file.read(offset, bytes), count);
  checkTotals(file, entries, offset);
  const byName = new Map(entries.map((entry) => [entry.name, entry]));
  if (byName.size !== entries.length) throw malformed(file, 'two of its entries have the same name');
  return byName;
}

/** The bytes of an entry's npy file. Throws E0718 where they are not what the directory says. */
export async function readNpzEntry(file: RandomAccessFile, entry: NpzEntry): Promise<Uint8Array> {
  const name = `the entry ${entry.name}`;
  const header = viewOf(await file.read(entry.offset, 30));
  if (header.getUint32(0, true) !== localSignature) throw malformed(file, `${name} has no header of its own`);
  const begin = entry.offset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
  if (begin + entry.compressed > file.bytes) throw malformed(file, `${name} ends behind the end of the file`);
  const packed = await file.read(begin, entry.compressed);
  const bytes = entry.method === 'stored' ? packed : inflate(file, name, packed, entry.bytes);
  if (bytes.length !== entry.bytes) throw malformed(file, `${name} has ${bytes.length} bytes, not ${entry.bytes}`);
  if (crc32(bytes) !== entry.crc) throw malformed(file, `${name} does not have its checksum`);
  return bytes;
}

function inflate(file: RandomAccessFile, name: string, packed: Uint8Array, bytes: number): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(bytes, 1) });
  } catch (error) {
    throw malformed(file, `${name} cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`);
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

interface Directory {
  readonly count: number;
  readonly offset: number;
  readonly bytes: number;
}

/** The end record lies within the last 22 bytes and a comment of up to 64 kB. */
async function findDirectory(file: RandomAccessFile): Promise<Directory> {
  const length = Math.min(file.bytes, 22 + 0xffff);
  const tail = viewOf(await file.read(file.bytes - length, length));
  for (let at = length - 22; at >= 0; at--) {
    if (tail.getUint32(at, true) !== endSignature || at + 22 + tail.getUint16(at + 20, true) !== length) continue;
    const [disk, count, bytes, offset] = [
      tail.getUint32(at + 4, true),
      tail.getUint16(at + 10, true),
      tail.getUint32(at + 12, true),
      tail.getUint32(at + 16, true),
    ];
    if (count === 0xffff || bytes === in64 || offset === in64) return find64(file, file.bytes - length + at);
    if (disk !== 0) throw malformed(file, 'it is one of several parts of an archive');
    return { count, offset, bytes };
  }
  throw malformed(file, 'it has no directory of a zip archive at its end');
}

async function find64(file: RandomAccessFile, endRecord: number): Promise<Directory> {
  if (endRecord < 20) throw malformed(file, 'its Zip64 directory is missing');
  const locator = viewOf(await file.read(endRecord - 20, 20));
  const at = Number(locator.getBigUint64(8, true));
  if (locator.getUint32(0, true) !== locatorSignature || at + 56 > file.bytes) {
    throw malformed(file, 'its Zip64 directory is missing');
  }
  const record = viewOf(await file.read(at, 56));
  if (record.getUint32(0, true) !== end64Signature) throw malformed(file, 'its Zip64 directory is missing');
  return {
    count: Number(record.getBigUint64(32, true)),
    bytes: Number(record.getBigUint64(40, true)),
    offset: Number(record.getBigUint64(48, true)),
  };
}

function readEntries(file: RandomAccessFile, directory: Uint8Array, count: number): readonly NpzEntry[] {
  const view = viewOf(directory);
  const entries: NpzEntry[] = [];
  let at = 0;
  for (let number = 0; number < count; number++) {
    if (at + 46 > directory.length || view.getUint32(at, true) !== entrySignature) {
      throw malformed(file, `entry ${number} of its directory is broken`);
    }
    const [nameBytes, extraBytes, commentBytes] = [28, 30, 32].map((field) => view.getUint16(at + field, true));
    const nameEnd = at + 46 + (nameBytes ?? 0);
    const extraEnd = nameEnd + (extraBytes ?? 0);
    const next = extraEnd + (commentBytes ?? 0);
    if (next > directory.length) throw malformed(file, `entry ${number} of its directory is broken`);
    const name = new TextDecoder('latin1').decode(directory.subarray(at + 46, nameEnd));
    entries.push(entryOf(file, view, at, arrayName(file, name), directory.subarray(nameEnd, extraEnd)));
    at = next;
  }
  return entries;
}

function arrayName(file: RandomAccessFile, name: string): string {
  if (!/^[\w .+-]{1,255}\.npy$/.test(name) || name.startsWith('.')) {
    throw malformed(file, `its entry ${JSON.stringify(name)} is no plain name of an npy file`);
  }
  return name.slice(0, -'.npy'.length);
}

function entryOf(file: RandomAccessFile, view: DataView, at: number, name: string, extra: Uint8Array): NpzEntry {
  const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
  if ((flags & 1) !== 0) throw malformed(file, `the entry ${name} is encrypted`);
  if (method !== 0 && method !== 8) throw malformed(file, `the entry ${name} has the method ${method} of compression`);
  const wide = zip64Fields(extra);
  const field = (offset: number): number => {
    const value = view.getUint32(at + offset, true);
    return value === in64 ? (wide.shift() ?? Number.NaN) : value;
  };
  // The order in which Zip64 fields stand: those sizes that do not fit, then the offset.
  const [bytes, compressed, offset] = [field(24), field(20), field(42)];
  if (![bytes, compressed, offset].every(Number.isSafeInteger)) throw malformed(file, `the entry ${name} has no size`);
  return {
    name,
    compressed,
    bytes,
    offset,
    method: method === 0 ? 'stored' : 'deflated',
    crc: view.getUint32(at + 16, true),
  };
}

function zip64Fields(extra: Uint8Array): number[] {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    const length = Math.min(view.getUint16(at + 2, true), extra.length - at - 4);
    return Array.from({ length: Math.floor(length / 8) }, (_, index) =>
      Number(view.getBigUint64(at + 4 + index * 8, true)),
    );
  }
  return [];
}

/** Entries that overlap, or that unpack to much more than they take, are how small archives fill a memory. */
function checkTotals(file: RandomAccessFile, entries: readonly NpzEntry[], directory: number): void {
  let total = 0;
  let free = 0;
  for (const { name, bytes, compressed, offset, method } of entries.toSorted((a, b) => a.offset - b.offset)) {
    if (offset < free || offset + 30 + compressed > directory) {
      throw malformed(file, `the entry ${name} overlaps another or lies outside of the archive`);
    }
    free = offset + 30 + compressed;
    if (bytes > compressed * maxRatio || (method === 'stored' && bytes !== compressed)) {
      throw malformed(
        file,
        `the entry ${name} unpacks from ${compressed} to ${bytes} bytes, more than ${maxRatio} times`,
      );
    }
    total += bytes;
  }
  if (total > maxTotalBytes) throw malformed(file, `it unpacks to ${total} bytes, more than ${maxTotalBytes}`);
}
