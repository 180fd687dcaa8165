/** A reader of ustar archives, as far as unpacking one flat folder of regular files needs. */
import { RuntimeFault } from '../../errors.ts';

/** One regular file of an archive. */
export interface TarEntry {
  readonly name: string;
  /** Permission bits, as in 0o755. */
  readonly mode: number;
  readonly bytes: Uint8Array;
}

const blockBytes = 512;
const decoder = new TextDecoder('utf-8', { fatal: false });

/**
 * The regular files of a tar archive (POSIX.1-1988 ustar; folders are skipped). Every checksum and size is checked.
 * Throws E0710 for damage, for links and other special entries, and for names that leave the folder.
 */
export function readTar(archive: Uint8Array, source: string): readonly TarEntry[] {
  const entries: TarEntry[] = [];
  let at = 0;
  for (;;) {
    const header = archive.subarray(at, at + blockBytes);
    if (header.length < blockBytes) throw damaged(source, `it ends in the middle of a header at byte ${at}`);
    if (header.every((byte) => byte === 0)) return entries;
    checkHeader(header, source, at);
    const size = octal(header, 124, 12, source);
    const type = String.fromCharCode(header[156] ?? 0);
    const begin = at + blockBytes;
    if (begin + size > archive.length) throw damaged(source, `the entry at byte ${at} runs past the end`);
    if (type === '0' || type === '\0') {
      const name = entryName(header, source);
      entries.push({ name, mode: octal(header, 100, 8, source), bytes: archive.subarray(begin, begin + size) });
    } else if (type !== '5') {
      throw damaged(source, `the entry at byte ${at} is neither a file nor a folder`);
    }
    at = begin + Math.ceil(size / blockBytes) * blockBytes;
  }
}

/** The checksum is the sum of the header's bytes with its own field (148 to 155) read as spaces. */
function checkHeader(header: Uint8Array, source: string, at: number): void {
  let sum = 0;
  header.forEach((byte, index) => (sum += index >= 148 && index < 156 ? 32 : byte));
  if (sum !== octal(header, 148, 8, source)) throw damaged(source, `the checksum of the header at byte ${at} is wrong`);
}

function octal(header: Uint8Array, from: number, length: number, source: string): number {
  const digits = text(header, from, length).trim();
  if (!/^[0-7]+$/.test(digits)) throw damaged(source, 'a number in a header is not octal');
  return Number.parseInt(digits, 8);
}

function entryName(header: Uint8Array, source: string): string {
  const prefix = text(header, 345, 155);
  const name = (prefix === '' ? '' : `${prefix}/`) + text(header, 0, 100);
  const parts = name.replace(/^\.\//, '').split('/');
  if (parts.some((part) => part === '' || part === '.' || part === '..' || part.includes('\\'))) {
    throw damaged(source, 'the name of an entry leaves the folder');
  }
  return parts.join('/');
}

/** The text of a field, which ends at its first zero byte. */
function text(header: Uint8Array, from: number, length: number): string {
  const field = header.subarray(from, from + length);
  const end = field.indexOf(0);
  return decoder.decode(end < 0 ? field : field.subarray(0, end));
}

function damaged(source: string, detail: string): RuntimeFault {
  return new RuntimeFault('E0710', 'environment', `cannot unpack ${source}: ${detail}`, 'run: npm install --force');
}
