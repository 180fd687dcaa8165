import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RuntimeFault } from '../../runtime/errors.ts';
import { encodeSafetensors, parseSafetensors } from '../../runtime/files/safetensors.ts';
import { elementBytes, toFloat32 } from '../../runtime/files/stored-tensor.ts';
import type { StoredTensor, StoredType } from '../../runtime/files/stored-tensor.ts';
import { faultOf } from './fault.ts';
import { realData } from './real-data.ts';

/** A file from the text of its header and the number of data bytes. */
function fileOf(header: string, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const entry = (dtype: string, shape: string, offsets: string) =>
  `{"dtype":"${dtype}","shape":${shape},"data_offsets":${offsets}}`;

describe('parseSafetensors', () => {
  it('reads tensors in the order of the header, and metadata', () => {
    const [b4, a0] = [entry('F32', '[2]', '[4,12]'), entry('I32', '[]', '[0,4]')];
    const header = `{"__metadata__":{"format":"pt"},"b":${b4},"a":${a0}}   `;
    const file = fileOf(header, 12);
    new DataView(file.buffer, 8 + header.length).setFloat32(8, 1.5, true);
    const { tensors, metadata } = parseSafetensors(file);
    expect([...tensors.keys()]).toEqual(['b', 'a']);
    expect([...metadata]).toEqual([['format', 'pt']]);
    const b = tensors.get('b');
    expect(b && [...toFloat32(b)]).toEqual([0, 1.5]);
  });

  it('reads data that is not aligned', () => {
    const header = `{"x":${entry('F32', '[2]', '[0,8]')}}`;
    const shifted = new Uint8Array(200);
    for (const shift of [0, 1, 2, 3]) {
      const file = fileOf(header, 8);
      new DataView(file.buffer, 8 + header.length).setFloat32(4, -2.5, true);
      shifted.set(file, shift);
      const x = parseSafetensors(shifted.subarray(shift, shift + file.length)).tensors.get('x');
      expect(x && [...toFloat32(x)]).toEqual([0, -2.5]);
    }
  });

  it('treats __proto__ and constructor as names like any other', () => {
    const text = `{"__proto__":${entry('U8', '[1]', '[0,1]')},"constructor":${entry('U8', '[0]', '[1,1]')}}`;
    const { tensors } = parseSafetensors(fileOf(text, 1));
    expect([...tensors.keys()]).toEqual(['__proto__', 'constructor']);
    expect(tensors.get('toString')).toBeUndefined();
    expect(Object.hasOwn(Object.prototype, 'dtype')).toBe(false);
  });

  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(), 'it is empty'],
    ['only a length', new Uint8Array(8), 'too short'],
    ['a header beyond the file', fileOf('{}').fill(200, 0, 1), 'the header has 200 bytes, but the file ends after 2'],
    ['a header of 2^63 bytes', fileOf('{}').fill(0x80, 7, 8), 'and may have 16777216'],
    ['another first byte', fileOf(' {}'), "must begin with '{'"],
    ['an array', fileOf('[]'), "must begin with '{'"],
    ['bad UTF-8', fileOf('{"x":1}').fill(0xff, 10, 11), 'not valid UTF-8'],
    ['text behind the header', fileOf('{} x'), 'nothing but spaces'],
    ['an open brace', fileOf('{"a":'), "needs '{' at character 5, but there is its end"],
    ['an open string', fileOf('{"a'), 'does not end'],
    ['a bad escape', fileOf('{"\\x":{}}'), 'well-formed string'],
    ['a control character in a name', fileOf('{"\n":{}}'), 'well-formed string'],
    ['a lone surrogate', fileOf('{"\\ud800":{}}'), 'well-formed string'],
    ['a name twice', fileOf(`{"a":${entry('U8', '[0]', '[0,0]')},"a":${entry('U8', '[0]', '[0,0]')}}`), '"a" twice'],
    ['a name twice, once escaped', fileOf(`{"a":${entry('U8', '[0]', '[0,0]')},"\\u0061":{}}`), '"a" twice'],
    ['a key twice', fileOf('{"a":{"dtype":"U8","dtype":"U8"}}'), 'the name "dtype" twice'],
    ['metadata twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), 'twice'],
    ['metadata that is no text', fileOf('{"__metadata__":{"a":1}}'), 'needs a string'],
    ['an unknown key', fileOf('{"a":{"strides":[1]}}'), 'unknown key "strides"'],
    ['no dtype', fileOf('{"a":{"shape":[],"data_offsets":[0,0]}}'), 'no dtype'],
    ['no shape', fileOf('{"a":{"dtype":"U8","data_offsets":[0,0]}}'), 'no shape'],
    ['one offset', fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0]}}'), 'two data_offsets'],
    ['three offsets', fileOf('{"a":{"dtype":"U8","shape":[],"data_offsets":[0,0,0]}}'), 'two data_offsets'],
    ['an unknown type', fileOf(`{"a":${entry('C64', '[0]', '[0,0]')}}`), 'the type "C64"; known are F64'],
    ['a type from Object.prototype', fileOf(`{"a":${entry('toString', '[0]', '[0,0]')}}`), 'known are'],
    ['a negative size', fileOf(`{"a":${entry('U8', '[-1]', '[0,0]')}}`), 'a non-negative integer'],
    ['a fraction', fileOf(`{"a":${entry('U8', '[1.0]', '[0,1]')}}`, 1), 'a non-negative integer'],
    ['an exponent', fileOf(`{"a":${entry('U8', '[1e2]', '[0,100]')}}`, 100), 'a non-negative integer'],
    ['leading zeros', fileOf(`{"a":${entry('U8', '[01]', '[0,1]')}}`, 1), 'a non-negative integer'],
    ['2^53', fileOf(`{"a":${entry('U8', '[9007199254740992]', '[0,0]')}}`), 'below 2^53'],
    ['an overflow', fileOf(`{"a":${entry('F32', '[94906267,94906267]', '[0,4]')}}`, 4), 'overflows'],
    ['an overflow in front of a zero', fileOf(`{"a":${entry('U8', '[4503599627370496,4,0]', '[0,0]')}}`), 'overflows'],
    ['an overflow by the type', fileOf(`{"a":${entry('F64', '[4503599627370496]', '[0,0]')}}`), 'overflows'],
    ['too few bytes', fileOf(`{"a":${entry('F32', '[2]', '[0,4]')}}`, 4), 'needs 8 bytes, but has 4'],
    ['a range that ends early', fileOf(`{"a":${entry('U8', '[0]', '[1,0]')}}`, 1), 'before it begins'],
    [
      'data beyond the file',
      fileOf(`{"a":${entry('U8', '[9]', '[0,9]')}}`, 8),
      'need 9 bytes of data, but the file has 8',
    ],
    [
      'data behind the last tensor',
      fileOf(`{"a":${entry('U8', '[8]', '[0,8]')}}`, 9),
      '1 bytes behind its last tensor',
    ],
    ['data and no tensor', fileOf('{}', 1), '1 bytes behind its last tensor'],
    [
      'a hole',
      fileOf(`{"a":${entry('U8', '[1]', '[0,1]')},"b":${entry('U8', '[1]', '[2,3]')}}`, 3),
      'a hole of 1 bytes',
    ],
    [
      'a hole at the front',
      fileOf(`{"a":${entry('U8', '[1]', '[1,2]')}}`, 2),
      'a hole of 1 bytes in front of tensor "a"',
    ],
    [
      'an overlap',
      fileOf(`{"a":${entry('U8', '[2]', '[0,2]')},"b":${entry('U8', '[2]', '[1,3]')}}`, 3),
      'inside of another',
    ],
    [
      'the same range',
      fileOf(`{"a":${entry('U8', '[2]', '[0,2]')},"b":${entry('U8', '[2]', '[0,2]')}}`, 2),
      'inside of another',
    ],
    ['deep nesting', fileOf(`{"a":${'['.repeat(100_000)}`), "needs '{'"],
  ])('refuses %s', (_, file, message) => {
    const fault = faultOf(() => parseSafetensors(file));
    expect(fault).toMatch(/^E0711: /);
    expect(fault).toContain(message);
  });

  it('honours a limit on the header', () => {
    expect(faultOf(() => parseSafetensors(fileOf('{        }'), { maxHeaderBytes: 9 }))).toContain('may have 9');
  });

  it('refuses a header of one long string', () => {
    for (const text of [`{"${'a'.repeat(4e6)}`, `{"${'\\"'.repeat(2e6)}`, `{"${'a'.repeat(4e6)}":1}`]) {
      expect(faultOf(() => parseSafetensors(fileOf(text)))).toMatch(/^E0711/);
    }
  });

  it('throws nothing but faults for any bytes and for any damage to a good file', () => {
    const good = encodeSafetensors(
      new Map<string, StoredTensor>([
        ['w', { dtype: 'F32', shape: [2, 2], bytes: new Uint8Array(16) }],
        ['b', { dtype: 'U8', shape: [3], bytes: new Uint8Array(3) }],
      ]),
      new Map([['k', 'v']]),
    );
    const parses = (file: Uint8Array) => {
      try {
        for (const tensor of parseSafetensors(file).tensors.values()) {
          expect(tensor.bytes.length).toBeLessThanOrEqual(file.length);
        }
      } catch (error) {
        if (!(error instanceof RuntimeFault)) throw error;
        expect(error.code).toBe('E0711');
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), parses), { numRuns: 2000 });
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => parses(fileOf(`{${text}`))),
      { numRuns: 2000 },
    );
    const change = fc.tuple(fc.nat(good.length - 1), fc.nat(255));
    const changes = fc.array(change, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, fc.nat(good.length), (edits, length) => {
        const broken = good.slice();
        for (const [at, value] of edits) broken[at] = value;
        parses(broken);
        parses(good.subarray(0, length));
      }),
      { numRuns: 5000 },
    );
  });
});

describe('encodeSafetensors', () => {
  const tensor = fc
    .tuple(
      fc.constantFrom(...Object.keys(elementBytes).filter((name): name is StoredType => name in elementBytes)),
      fc.array(fc.nat(4), { maxLength: 4 }),
    )
    .chain(([dtype, shape]) => {
      const length = shape.reduce((product, dim) => product * dim, 1) * elementBytes[dtype];
      const bytes = fc.uint8Array({ minLength: length, maxLength: length });
      return bytes.map((data): StoredTensor => ({ dtype, shape, bytes: data }));
    });
  const name = fc
    .string({ unit: 'grapheme' })
    .filter((text) => text !== '__metadata__' && !/\p{Surrogate}/u.test(text));

  it('is undone by parseSafetensors, and aligns every tensor', () => {
    const tensors = fc.array(fc.tuple(name, tensor), { maxLength: 8 }).map((pairs) => new Map(pairs));
    const metadata = fc.array(fc.tuple(name, name), { maxLength: 3 }).map((pairs) => new Map(pairs));
    fc.assert(
      fc.property(tensors, metadata, (given, notes) => {
        const file = encodeSafetensors(given, notes);
        const back = parseSafetensors(file);
        expect(back.tensors).toEqual(given);
        expect(back.metadata).toEqual(notes);
        for (const { dtype, bytes } of back.tensors.values()) expect(bytes.byteOffset % elementBytes[dtype]).toBe(0);
      }),
    );
  });

  it('writes byte for byte what the reference implementation writes', () => {
    const reference = readFileSync(join(import.meta.dirname, 'golden/reference.safetensors'));
    const { tensors, metadata } = parseSafetensors(reference);
    expect(tensors.size).toBe(14);
    expect(Buffer.compare(encodeSafetensors(new Map([...tensors].reverse()), metadata), reference)).toBe(0);
  });

  it('puts types in the order of the reference implementation and pads the header', () => {
    const tensors = new Map<string, StoredTensor>();
    for (const dtype of ['BOOL', 'F16', 'I32', 'BF16', 'F32', 'I64', 'U8', 'F64'] as const) {
      tensors.set(dtype.toLowerCase(), { dtype, shape: [1], bytes: new Uint8Array(elementBytes[dtype]) });
    }
    const file = encodeSafetensors(tensors);
    const length = Number(new DataView(file.buffer).getBigUint64(0, true));
    expect(length % 8).toBe(0);
    const header = new TextDecoder().decode(file.subarray(8, 8 + length)).trimEnd();
    expect(header.startsWith('{"i64":{"dtype":"I64","shape":[1],"data_offsets":[0,8]},"f64":')).toBe(true);
    expect([...parseSafetensors(file).tensors.keys()].join(' ')).toBe('i64 f64 f32 i32 bf16 f16 u8 bool');
  });

  it.each<[string, string, StoredTensor]>([
    ['bytes that do not fit', 'a', { dtype: 'F32', shape: [2], bytes: new Uint8Array(7) }],
    ['a fractional shape', 'a', { dtype: 'F32', shape: [0.5], bytes: new Uint8Array(2) }],
    ['a negative shape', 'a', { dtype: 'U8', shape: [-1, -1], bytes: new Uint8Array(1) }],
    ['the reserved name', '__metadata__', { dtype: 'U8', shape: [1], bytes: new Uint8Array(1) }],
    ['a lone surrogate', '\ud800', { dtype: 'U8', shape: [1], bytes: new Uint8Array(1) }],
  ])('refuses %s', (_, key, value) => {
    expect(faultOf(() => encodeSafetensors(new Map([[key, value]])))).toMatch(/^E0711/);
  });
});

describe('real weights', () => {
  const files = ['resnet20-cifar10', 'resnet56-cifar10', 'squeezenet1_0-imagenet', 'mobilenet_v1_025_128-imagenet'];
  it.each([...files, 'mobilenet_v3_small-seeded', 'shufflenet_v2_x1_0-seeded'])(
    '%s parses and survives a round trip',
    (name) => {
      const path = realData(`weights/${name}.safetensors`);
      if (!path) return;
      const { tensors, metadata } = parseSafetensors(readFileSync(path));
      expect(tensors.size).toBeGreaterThan(50);
      for (const tensor of tensors.values()) expect(toFloat32(tensor).every(Number.isFinite)).toBe(true);
      const again = parseSafetensors(encodeSafetensors(tensors, metadata));
      expect(again.tensors.size).toBe(tensors.size);
      for (const [key, tensor] of tensors) {
        expect(Buffer.compare(again.tensors.get(key)?.bytes ?? new Uint8Array(), tensor.bytes)).toBe(0);
      }
    },
  );
});
