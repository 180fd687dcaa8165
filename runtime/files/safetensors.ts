/** Reads and writes safetensors files (https://github.com/huggingface/safetensors, format of version 0.4). */
import { RuntimeFault } from '../errors.ts';
import { foreignFile } from './foreign-weights.ts';
import { malformed, parseHeader } from './safetensors-header.ts';
import type { HeaderEntry } from './safetensors-header.ts';
import { elementBytes, isStoredType, storedBytes } from './stored-tensor.ts';
import type { StoredTensor, StoredType } from './stored-tensor.ts';

/** The contents of a safetensors file. Names are keys of a Map, so that `__proto__` is a name like any other. */
export interface Safetensors {
  /** In the order of the header. The bytes share the memory of the file. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: ReadonlyMap<string, string>;
}

export interface SafetensorsOptions {
  /** Largest header that is read, in bytes; 16 MiB unless told. */
  readonly maxHeaderBytes?: number | undefined;
}

const lengthBytes = 8;
const defaultMaxHeaderBytes = 16 * 2 ** 20;

/**
 * Reads a file: 8 bytes of header length (little-endian), the header in JSON, the data. Throws E0711 for a header
 * that is too long, not JSON of the known form or has a name twice, for a type outside the known ones, for a
 * shape whose size overflows or differs from the range, and for ranges with holes, overlaps or bytes to spare.
 */
export function parseSafetensors(file: Uint8Array, options: SafetensorsOptions = {}): Safetensors {
  const headerEnd = lengthBytes + headerLength(file, options.maxHeaderBytes ?? defaultMaxHeaderBytes);
  const header = parseHeader(decodeHeader(file.subarray(lengthBytes, headerEnd)));
  const data = file.subarray(headerEnd);
  checkContiguous(header.entries, data.length);
  const tensors = new Map<string, StoredTensor>();
  for (const entry of header.entries) tensors.set(entry.name, readEntry(entry, data));
  return { tensors, metadata: header.metadata };
}

function headerLength(file: Uint8Array, limit: number): number {
  if (file.length < lengthBytes + 2) {
    throw notSafetensors(file, `a file of ${file.length} bytes is too short for safetensors`);
  }
  const view = new DataView(file.buffer, file.byteOffset, lengthBytes);
  const length = view.getBigUint64(0, true);
  if (length > BigInt(limit)) throw notSafetensors(file, `the header has ${length} bytes and may have ${limit}`);
  if (length > BigInt(file.length - lengthBytes)) {
    const rest = file.length - lengthBytes;
    throw notSafetensors(file, `the header has ${length} bytes, but the file ends after ${rest} of them`);
  }
  if (file[lengthBytes] !== 0x7b) throw notSafetensors(file, "the header must begin with '{'");
  return Number(length);
}

/** What a file is says more than where it differs from what it should be. */
function notSafetensors(file: Uint8Array, detail: string): RuntimeFault {
  const found = foreignFile(file);
  return found
    ? new RuntimeFault('E0711', 'input', `this is no safetensors file: it is ${found.what}`, found.help)
    : malformed(detail);
}

function decodeHeader(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('the header is not valid UTF-8');
  }
}

function checkContiguous(entries: readonly HeaderEntry[], length: number): void {
  const ordered = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let at = 0;
  for (const { name, begin, end } of ordered) {
    const title = `tensor ${JSON.stringify(name)}`;
    if (end < begin) throw malformed(`${title} ends at byte ${end}, before it begins at ${begin}`);
    if (begin < at) throw malformed(`${title} begins at byte ${begin}, inside of another tensor`);
    if (begin > at) throw malformed(`there is a hole of ${begin - at} bytes in front of ${title}`);
    at = end;
  }
  if (at > length) {
    const message = `the tensors need ${at} bytes of data, but the file has ${length}`;
    throw new RuntimeFault('E0711', 'input', message, 'the file was cut off: download or save it again');
  }
  if (at < length) throw malformed(`the file has ${length - at} bytes behind its last tensor`);
}

function readEntry({ name, dtype, shape, begin, end }: HeaderEntry, data: Uint8Array): StoredTensor {
  const title = `tensor ${JSON.stringify(name)}`;
  if (!isStoredType(dtype)) {
    const known = Object.keys(elementBytes).join(', ');
    const message = `${title} has the type ${JSON.stringify(dtype)}; known are ${known}`;
    throw new RuntimeFault('E0711', 'input', message, 'save the tensor as F32');
  }
  const bytes = storedBytes(dtype, shape);
  const text = `${dtype} [${shape.join(', ')}]`;
  if (bytes === undefined) throw malformed(`the size of ${title}, ${text}, overflows`);
  if (bytes !== end - begin) throw malformed(`${title} is ${text} and needs ${bytes} bytes, but has ${end - begin}`);
  return { dtype, shape, bytes: data.subarray(begin, end) };
}

/** The reference implementation's order of types in a file, which goes by falling size. */
const typeOrder: readonly StoredType[] = [
  'U64',
  'I64',
  'F64',
  'F32',
  'U32',
  'I32',
  'BF16',
  'F16',
  'U16',
  'I16',
  'F8_E4M3',
  'F8_E5M2',
  'I8',
  'U8',
  'BOOL',
];

/**
 * Writes a file as the reference implementation does: the header padded with spaces to a multiple of 8 bytes, wider
 * types first and names in code-unit order inside a type, so that every tensor is aligned. The same tensors give the
 * same bytes in any order. Throws E0711 where bytes and shape disagree or a name cannot be written.
 */
export function encodeSafetensors(
  tensors: ReadonlyMap<string, StoredTensor>,
  metadata: ReadonlyMap<string, string> = new Map(),
): Uint8Array {
  const ordered = [...tensors].sort(([nameA, a], [nameB, b]) => {
    return typeOrder.indexOf(a.dtype) - typeOrder.indexOf(b.dtype) || (nameA < nameB ? -1 : 1);
  });
  const header = encodeHeader(ordered, metadata);
  const size = ordered.reduce((sum, [, tensor]) => sum + tensor.bytes.length, lengthBytes + header.length);
  const file = new Uint8Array(size);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, lengthBytes);
  let at = lengthBytes + header.length;
  for (const [, { bytes }] of ordered) {
    file.set(bytes, at);
    at += bytes.length;
  }
  return file;
}

function encodeHeader(
  ordered: readonly (readonly [string, StoredTensor])[],
  metadata: ReadonlyMap<string, string>,
): Uint8Array {
  const parts: string[] = [];
  if (metadata.size > 0) {
    const pairs = [...metadata].map(([key, value]) => `${jsonString(key)}:${jsonString(value)}`);
    parts.push(`"__metadata__":{${pairs.join(',')}}`);
  }
  let at = 0;
  for (const [name, { dtype, shape, bytes }] of ordered) {
    checkWritable(name, dtype, shape, bytes);
    const range = `${at},${at + bytes.length}`;
    parts.push(`${jsonString(name)}:{"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${range}]}`);
    at += bytes.length;
  }
  const text = new TextEncoder().encode(`{${parts.join(',')}}`);
  const padded = new Uint8Array(Math.ceil(text.length / 8) * 8).fill(0x20);
  padded.set(text);
  return padded;
}

function checkWritable(name: string, dtype: StoredType, shape: readonly number[], bytes: Uint8Array): void {
  if (name === '__metadata__') throw malformed('no tensor can be called __metadata__');
  const wanted = shape.every((dim) => Number.isSafeInteger(dim) && dim >= 0) ? storedBytes(dtype, shape) : undefined;
  if (wanted !== bytes.length) {
    const text = `${dtype} [${shape.join(', ')}]`;
    throw malformed(`tensor ${JSON.stringify(name)} is ${text}, which ${bytes.length} bytes do not fill exactly`);
  }
}

function jsonString(text: string): string {
  if (/\p{Surrogate}/u.test(text)) throw malformed(`${JSON.stringify(text)} is not well-formed text`);
  return JSON.stringify(text);
}
