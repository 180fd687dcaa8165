/** Reads and writes NumPy's npy files, versions 1 to 3 (https://numpy.org/neps/nep-0001-npy-format.html). */
import { RuntimeFault } from '../errors.ts';
import { elementBytes, storedBytes } from './stored-tensor.ts';
import type { StoredTensor, StoredType } from './stored-tensor.ts';

/** What a header says, and where the data begins. */
export interface NpyHeader {
  readonly dtype: StoredType;
  readonly shape: readonly number[];
  /** Whether the first axis runs fastest in the file. */
  readonly fortranOrder: boolean;
  readonly bigEndian: boolean;
  /** Bytes in front of the data. */
  readonly dataOffset: number;
  readonly dataBytes: number;
}

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
/** A header of 64 axes takes 2 kB; NumPy itself refuses to evaluate more than 10,000 characters. */
const maxHeaderBytes = 1 << 16;

const typeOf: ReadonlyMap<string, StoredType> = new Map<string, StoredType>([
  ['f8', 'F64'],
  ['f4', 'F32'],
  ['f2', 'F16'],
  ['i8', 'I64'],
  ['i4', 'I32'],
  ['i2', 'I16'],
  ['i1', 'I8'],
  ['u1', 'U8'],
  ['b1', 'BOOL'],
]);

function malformed(detail: string, help?: string): RuntimeFault {
  return new RuntimeFault('E0712', 'input', detail, help);
}

/** How an array of another type becomes one that is read. */
function typeHelp(descr: string): string {
  if (/^[<>|=]?[uif]\d+$/.test(descr)) return 'save it as float32: `a.astype("float32")`';
  if (/^[|<>=]?[OUS]/.test(descr)) {
    return 'save names of classes as their numbers: `np.unique(labels, return_inverse=True)[1]`';
  }
  return 'save it as an array of plain numbers, such as float32';
}

/** Reads an array; Fortran order and big-endian data become C order and little-endian. Throws E0712 for any fault. */
export function parseNpy(file: Uint8Array): StoredTensor {
  const header = parseNpyHeader(file);
  const found = file.length - header.dataOffset;
  const text = `${header.dtype} [${header.shape.join(', ')}]`;
  if (found !== header.dataBytes)
    throw malformed(`${text} needs ${header.dataBytes} bytes of data, but there are ${found}`);
  let bytes = file.subarray(header.dataOffset);
  const width = elementBytes[header.dtype];
  if (header.bigEndian && width > 1) bytes = swapBytes(bytes, width);
  if (header.fortranOrder && header.shape.length > 1) bytes = toRowMajor(bytes, header.shape, width);
  return { dtype: header.dtype, shape: header.shape, bytes };
}

/** Reads the header alone; `start` must hold at least the first 66 kB of the file, or all of it. Throws E0712. */
export function parseNpyHeader(start: Uint8Array): NpyHeader {
  const { text, end } = headerOf(start);
  return describe(text, end);
}

/**
 * Reads a file of one axis of strings, as NumPy saves names: UTF-32 (`<U5`) or bytes of UTF-8 (`|S5`), filled up with
 * zeros. Throws E0712.
 */
export function parseNpyStrings(file: Uint8Array): readonly string[] {
  const { text, end } = headerOf(file);
  const fields = readFields(text);
  const descr = fields.get('descr');
  const [, order, kind, letters = ''] = /^([<>|=])([US])(\d+)$/.exec(descr?.text ?? '') ?? [];
  const [, count = ''] = /^\s*(\d+)L?\s*,\s*$/.exec(fields.get('shape')?.text ?? '') ?? [];
  if (descr?.kind !== 'string' || kind === undefined || count === '') {
    throw malformed(`the array of type '${descr?.text ?? ''}' is no list of strings; np.array([...]) of str makes one`);
  }
  const width = Number(letters) * (kind === 'U' ? 4 : 1);
  if (width === 0 || !Number.isSafeInteger(width * Number(count)) || file.length - end !== width * Number(count)) {
    throw malformed(`${count} strings of ${letters} letters do not fit ${file.length - end} bytes of data`);
  }
  const decode = kind === 'U' ? utf32(order !== '>') : utf8;
  return Array.from({ length: Number(count) }, (_, at) =>
    decode(file.subarray(end + at * width, end + (at + 1) * width)),
  );
}

function utf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\0+$/, '');
  } catch {
    throw malformed('a string is no UTF-8');
  }
}

const utf32 =
  (isLittle: boolean) =>
  (bytes: Uint8Array): string => {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const points = Array.from({ length: bytes.length / 4 }, (_, at) => view.getUint32(at * 4, isLittle));
    if (points.some((point) => point > 0x10ffff)) throw malformed('a string has a letter beyond Unicode');
    return String.fromCodePoint(...points).replace(/\0+$/, '');
  };

function headerOf(start: Uint8Array): { readonly text: string; readonly end: number } {
  if (start.length < 10 || magic.some((byte, index) => start[index] !== byte)) {
    throw malformed('the file does not begin with the npy magic string');
  }
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength);
  const version = view.getUint8(6);
  if (version < 1 || version > 3) throw malformed(`npy version ${version} is not known`);
  const prefix = version === 1 ? 10 : 12;
  if (start.length < prefix) throw malformed('the file ends inside of its header');
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > maxHeaderBytes) throw malformed(`the header has ${length} bytes and may have ${maxHeaderBytes}`);
  if (prefix + length > start.length) throw malformed('the file ends inside of its header');
  // Latin-1 in version 1 and 2, UTF-8 in 3; a header of the accepted types is ASCII in all of them.
  const text = new TextDecoder('latin1').decode(start.subarray(prefix, prefix + length));
  return { text, end: prefix + length };
}

/**
 * The header is a Python dictionary with exactly three keys. Whole matches of one strict pattern for each entry
 * keep this linear and free of evaluation.
 */
const entryPattern = new RegExp(
  [
    /\s*(?:'(descr|fortran_order|shape)'|"(descr|fortran_order|shape)")\s*:\s*/,
    /(?:['"]([^'"\\\n]{1,16})['"]|(True|False)|\(([0-9L, ]*)\))\s*(?:,|(?=\}))/,
  ]
    .map((part) => part.source)
    .join(''),
  'y',
);

function describe(text: string, dataOffset: number): NpyHeader {
  const fields = readFields(text);
  const descr = fields.get('descr');
  const order = fields.get('fortran_order');
  const shapeText = fields.get('shape');
  if (descr?.kind !== 'string') throw malformed('the header has no simple descr');
  if (order?.kind !== 'boolean') throw malformed('the header has no fortran_order');
  if (shapeText?.kind !== 'tuple') throw malformed('the header has no shape');
  const type = /^([<>|=])([a-z]\d)$/.exec(descr.text);
  const dtype = typeOf.get(type?.[2] ?? '');
  if (!type || !dtype) {
    const known = [...typeOf.keys()].join(', ');
    throw malformed(`the element type '${descr.text}' is not one of ${known}`, typeHelp(descr.text));
  }
  const shape = parseShape(shapeText.text);
  const dataBytes = storedBytes(dtype, shape);
  if (dataBytes === undefined) throw malformed(`the size of the shape (${shape.join(', ')}) overflows`);
  const fortranOrder = order.text === 'True';
  return { dtype, shape, fortranOrder, bigEndian: type[1] === '>', dataOffset, dataBytes };
}

interface Field {
  readonly kind: 'string' | 'boolean' | 'tuple';
  readonly text: string;
}

function readFields(text: string): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  if (!text.startsWith('{')) throw malformed("the header must begin with '{'");
  let at = 1;
  for (;;) {
    entryPattern.lastIndex = at;
    const found = entryPattern.exec(text);
    if (!found) break;
    const key = found[1] ?? found[2] ?? '';
    if (fields.has(key)) throw malformed(`the header has the key ${key} twice`);
    fields.set(key, fieldOf(found[3], found[4], found[5]));
    at = entryPattern.lastIndex;
  }
  if (!/^\s*\}\s*$/.test(text.slice(at))) {
    throw malformed(`the header is not a simple dictionary of descr, fortran_order and shape at character ${at}`);
  }
  return fields;
}

function fieldOf(string: string | undefined, boolean: string | undefined, tuple: string | undefined): Field {
  if (string !== undefined) return { kind: 'string', text: string };
  if (boolean !== undefined) return { kind: 'boolean', text: boolean };
  return { kind: 'tuple', text: tuple ?? '' };
}

/** `()`, `(3,)` or `(3, 4)`; Python 2 wrote `3L`. */
function parseShape(text: string): readonly number[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.at(-1) === '') parts.pop();
  if (parts.length === 1 && !text.includes(',')) throw malformed(`(${text}) is a number and no shape`);
  return parts.map((part) => {
    const value = /^\d+L?$/.test(part) ? Number.parseInt(part, 10) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw malformed(`(${text}) is not a shape`);
    return value;
  });
}

function swapBytes(bytes: Uint8Array, width: number): Uint8Array {
  return bytes.map((_, index) => bytes[index - (index % width) + width - 1 - (index % width)] ?? 0);
}

/** Walks the elements in C order; `from` steps through the file, whose first axis has stride one. */
function toRowMajor(bytes: Uint8Array, shape: readonly number[], width: number): Uint8Array {
  const strides: number[] = [];
  let stride = 1;
  for (const dim of shape) {
    strides.push(stride);
    stride *= dim;
  }
  const index = shape.map(() => 0);
  const result = new Uint8Array(bytes.length);
  let from = 0;
  for (let to = 0; to < bytes.length; to += width) {
    for (let byte = 0; byte < width; byte++) result[to + byte] = bytes[from * width + byte] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (index[axis] ?? 0) + 1;
      const step = strides[axis] ?? 0;
      from += step;
      if (next < (shape[axis] ?? 0)) {
        index[axis] = next;
        break;
      }
      from -= step * next;
      index[axis] = 0;
    }
  }
  return result;
}

/** Writes version 1.0, little-endian, C order. Throws E0712 for BF16, which npy has no name for, and wrong sizes. */
export function encodeNpy({ dtype, shape, bytes }: StoredTensor): Uint8Array {
  const short = [...typeOf].find(([, type]) => type === dtype)?.[0];
  if (short === undefined) throw malformed(`npy has no element type for ${dtype}`);
  if (storedBytes(dtype, shape) !== bytes.length) {
    throw malformed(`${dtype} [${shape.join(', ')}] is not filled exactly by ${bytes.length} bytes`);
  }
  const descr = `${elementBytes[dtype] === 1 ? '|' : '<'}${short}`;
  const tuple = shape.length === 1 ? `(${shape[0]},)` : `(${shape.join(', ')})`;
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': ${tuple}, }`;
  // The data begins on a multiple of 64 bytes; the header ends with a line feed.
  const dataOffset = Math.ceil((10 + text.length + 1) / 64) * 64;
  if (dataOffset - 10 > 0xffff) throw malformed(`a shape of ${shape.length} axes does not fit into the header`);
  const file = new Uint8Array(dataOffset + bytes.length).fill(0x20, 0, dataOffset);
  file.set([...magic, 1, 0]);
  new DataView(file.buffer).setUint16(8, dataOffset - 10, true);
  file.set(new TextEncoder().encode(text), 10);
  file[dataOffset - 1] = 0x0a;
  file.set(bytes, dataOffset);
  return file;
}
