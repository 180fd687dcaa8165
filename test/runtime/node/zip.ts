/** Zip archives for tests, with faults where they are wanted. */
import { crc32, deflateRawSync } from 'node:zlib';

export interface ZipEntry {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** 0 is stored, 8 deflated. */
  readonly method?: number;
  /** The bytes are what stands in the archive, whatever the method. */
  readonly packed?: true;
  readonly flags?: number;
  readonly crc?: number;
  /** What the directory says of sizes and offset, where that is not the truth. */
  readonly said?: { readonly bytes?: number; readonly compressed?: number; readonly offset?: number };
  /** Sizes and offset in a Zip64 field. */
  readonly wide?: true;
}

/** The bytes of an archive. */
export function zip(
  entries: readonly ZipEntry[],
  said: { readonly count?: number; readonly wide?: true } = {},
): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const entry of entries) {
    const data = entry.method === 8 && !entry.packed ? deflateRawSync(entry.bytes) : Buffer.from(entry.bytes);
    const name = Buffer.from(entry.name, 'latin1');
    const local = Buffer.alloc(30);
    local.writeUInt32LE(0x04034b50, 0);
    local.writeUInt16LE(name.length, 26);
    parts.push(local, name, data);
    directory.push(directoryEntry(entry, name, data.length, offset));
    offset += 30 + name.length + data.length;
  }
  const all = Buffer.concat(directory);
  const count = said.count ?? entries.length;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(said.wide ? 0xffff : count, 10);
  end.writeUInt32LE(said.wide ? 0xffffffff : all.length, 12);
  end.writeUInt32LE(said.wide ? 0xffffffff : offset, 16);
  const wide = said.wide ? endIn64(count, all.length, offset) : Buffer.alloc(0);
  return Buffer.concat([...parts, all, wide, end]);
}

function directoryEntry(entry: ZipEntry, name: Buffer, length: number, offset: number): Buffer {
  const { said = {}, wide } = entry;
  const sizes = [said.bytes ?? entry.bytes.length, said.compressed ?? length, said.offset ?? offset];
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(entry.flags ?? 0, 8);
  header.writeUInt16LE(entry.method ?? 0, 10);
  header.writeUInt32LE(entry.crc ?? crc32(entry.bytes), 16);
  [24, 20, 42].forEach((at, index) => header.writeUInt32LE(wide ? 0xffffffff : (sizes[index] ?? 0), at));
  header.writeUInt16LE(name.length, 28);
  const extra = Buffer.alloc(wide ? 28 : 0);
  if (wide) {
    extra.writeUInt16LE(1, 0);
    extra.writeUInt16LE(24, 2);
    sizes.forEach((size, index) => extra.writeBigUInt64LE(BigInt(size), 4 + index * 8));
  }
  header.writeUInt16LE(extra.length, 30);
  return Buffer.concat([header, name, extra]);
}

function endIn64(count: number, bytes: number, offset: number): Buffer {
  const record = Buffer.alloc(56 + 20);
  record.writeUInt32LE(0x06064b50, 0);
  record.writeBigUInt64LE(BigInt(count), 32);
  record.writeBigUInt64LE(BigInt(bytes), 40);
  record.writeBigUInt64LE(BigInt(offset), 48);
  record.writeUInt32LE(0x07064b50, 56);
  record.writeBigUInt64LE(BigInt(offset + bytes), 64);
  return record;
}
