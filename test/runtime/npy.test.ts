import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RuntimeFault } from '../../runtime/errors.ts';
import { encodeNpy, parseNpy, parseNpyHeader, parseNpyStrings } from '../../runtime/files/npy.ts';
import { elementBytes, toFloat64 } from '../../runtime/files/stored-tensor.ts';
import type { StoredTensor, StoredType } from '../../runtime/files/stored-tensor.ts';
import { faultOf } from './fault.ts';

/** A file from the text of its header and its data. */
function fileOf(header: string, data: ArrayLike<number> = [], version = 1): Uint8Array {
  const prefix = version === 1 ? 10 : 12;
  const file = new Uint8Array(prefix + header.length + data.length);
  file.set([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, version, 0]);
  const view = new DataView(file.buffer);
  if (version === 1) view.setUint16(8, header.length, true);
  else view.setUint32(8, header.length, true);
  file.set(new TextEncoder().encode(header), prefix);
  file.set(data, prefix + header.length);
  return file;
}

const dict = (descr: string, shape: string, order = 'False') =>
  `{'descr': '${descr}', 'fortran_order': ${order}, 'shape': ${shape}, }\n`;

describe('parseNpy', () => {
  it.each([1, 2, 3])('reads version %i', (version) => {
    const { dtype, shape, bytes } = parseNpy(fileOf(dict('|u1', '(2, 3)'), [1, 2, 3, 4, 5, 6], version));
    expect({ dtype, shape, bytes: [...bytes] }).toEqual({ dtype: 'U8', shape: [2, 3], bytes: [1, 2, 3, 4, 5, 6] });
  });

  it.each<[string, string, number[]]>([
    ['Fortran order as C order', dict('|u1', '(2, 3)', 'True'), [1, 4, 2, 5, 3, 6]],
    ['Python 2 long integers', dict('|u1', '(2L, 3L)'), [1, 2, 3, 4, 5, 6]],
    [
      'another order of keys, double quotes, no last comma',
      `{"shape": (6,), "fortran_order": False, "descr": "|u1"}`,
      [1, 2, 3, 4, 5, 6],
    ],
  ])('reads %s', (_, header, data) => {
    expect([...parseNpy(fileOf(header, data)).bytes]).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('reads three axes of Fortran order', () => {
    const [d0, d1, d2] = [2, 3, 4];
    const data = new Uint8Array(24);
    for (let i = 0; i < d0; i++)
      for (let j = 0; j < d1; j++) for (let k = 0; k < d2; k++) data[i + d0 * (j + d1 * k)] = (i * d1 + j) * d2 + k;
    expect([...parseNpy(fileOf(dict('|u1', '(2, 3, 4)', 'True'), data)).bytes]).toEqual([...Array(24).keys()]);
  });

  it('reads big-endian data', () => {
    expect([...toFloat64(parseNpy(fileOf(dict('>i4', '(2,)'), [0, 0, 1, 0, 255, 255, 255, 255])))]).toEqual([256, -1]);
    expect([...toFloat64(parseNpy(fileOf(dict('>f4', '()'), [0x3f, 0x80, 0, 0])))]).toEqual([1]);
  });

  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(), 'magic'],
    ['text', new TextEncoder().encode('hello, this is text'), 'magic'],
    ['version 0', fileOf(dict('<f4', '()'), [], 1).fill(0, 6, 7), 'version 0'],
    ['version 4', fileOf(dict('<f4', '()'), [], 1).fill(4, 6, 7), 'version 4'],
    ['a cut header', fileOf(dict('<f4', '()')).subarray(0, 20), 'inside of its header'],
    ['a cut length', fileOf(dict('<f4', '()'), [], 2).subarray(0, 11), 'inside of its header'],
    ['a huge header', fileOf(dict('<f4', '()'), [], 2).fill(0xff, 8, 12), 'may have 65536'],
    ['no dictionary', fileOf('[1, 2]'), "begin with '{'"],
    ['code', fileOf("{'descr': __import__('os'), }"), 'not a simple dictionary'],
    [
      'an extra key',
      fileOf("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': (1,)}", [0, 0, 0, 0]),
      'not a simple',
    ],
    ['a key twice', fileOf("{'shape': (1,), 'shape': (2,), 'descr': '|u1', 'fortran_order': False}", [0]), 'twice'],
    ['a missing key', fileOf("{'descr': '<f4', 'shape': (1,)}", [0, 0, 0, 0]), 'no fortran_order'],
    ['a structured type', fileOf("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}"), 'not a simple'],
    ['an object type', fileOf(dict('|O', '(1,)'), [0]), "'|O' is not one of"],
    ['a complex type', fileOf(dict('<c8', '(1,)'), Array(8).fill(0)), "'<c8' is not one of"],
    ['a number for a shape', fileOf(dict('|u1', '(3)'), [1, 2, 3]), 'is a number'],
    ['an empty place', fileOf(dict('|u1', '(1,,3)'), [1, 2, 3]), 'not a shape'],
    ['two numbers in one place', fileOf(dict('|u1', '(1 3,)'), [1, 2, 3]), 'not a shape'],
    ['a size beyond 2^53', fileOf(dict('|u1', '(9007199254740993,)')), 'not a shape'],
    ['an overflow', fileOf(dict('<f4', '(94906267, 94906267)')), 'overflows'],
    ['an overflow in front of a zero', fileOf(dict('<f4', '(94906267, 94906267, 0)')), 'overflows'],
    ['missing data', fileOf(dict('<f4', '(2,)'), [0, 0, 0, 0, 0, 0, 0]), 'needs 8 bytes of data, but there are 7'],
    ['data to spare', fileOf(dict('|i1', '(2,)'), [0, 0, 0]), 'needs 2 bytes of data, but there are 3'],
  ])('refuses %s', (_, file, message) => {
    const fault = faultOf(() => parseNpy(file));
    expect(fault).toMatch(/^E0712: /);
    expect(fault).toContain(message);
  });

  it.each([
    ['<u2', 'astype("float32")'],
    ['<f16', 'astype("float32")'],
    ['|O', 'np.unique(labels, return_inverse=True)[1]'],
    ['<U5', 'np.unique(labels, return_inverse=True)[1]'],
    ['<c8', 'plain numbers'],
  ])('tells what to save in place of %s', (descr, help) => {
    expect(() => parseNpy(fileOf(dict(descr, '(1,)')))).toThrow(
      expect.objectContaining({ code: 'E0712', help: expect.stringContaining(help) }),
    );
  });

  it('throws nothing but faults for any bytes and any damage', () => {
    const good = encodeNpy({ dtype: 'F32', shape: [2, 2], bytes: new Uint8Array(16) });
    const parses = (file: Uint8Array) => {
      try {
        expect(parseNpy(file).bytes.length).toBeLessThanOrEqual(file.length);
      } catch (error) {
        if (!(error instanceof RuntimeFault)) throw error;
        expect(error.code).toBe('E0712');
      }
    };
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), parses), { numRuns: 1000 });
    const text = fc.string({ unit: fc.constantFrom(...`{}()[]'",:0123456789L \ndescrfortranshapeTrueFalse<>|`) });
    fc.assert(
      fc.property(text, (header) => parses(fileOf(`{${header}`))),
      { numRuns: 3000 },
    );
    const edits = fc.array(fc.tuple(fc.nat(good.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(edits, fc.nat(good.length), (changes, length) => {
        const broken = good.slice();
        for (const [at, value] of changes) broken[at] = value;
        parses(broken);
        parses(good.subarray(0, length));
      }),
      { numRuns: 5000 },
    );
  });

  it('refuses headers made to let a parser backtrack', () => {
    for (const filler of [' '.repeat(60_000), '('.repeat(60_000), "'descr':".repeat(7000), '0 ,'.repeat(20_000)]) {
      expect(faultOf(() => parseNpy(fileOf(`{${filler}`)))).toMatch(/^E0712/);
      expect(faultOf(() => parseNpy(fileOf(`{'shape': (${filler}`, [], 2)))).toMatch(/^E0712/);
    }
  });
});

describe('encodeNpy', () => {
  it('is undone by parseNpy and begins data on a multiple of 64 bytes', () => {
    const types = Object.keys(elementBytes).filter((name): name is StoredType => !/^BF|^F8|^U(?!8)/.test(name));
    const shapes = fc.array(fc.nat(5), { maxLength: 5 });
    fc.assert(
      fc.property(fc.constantFrom(...types), shapes, fc.nat(255), (dtype, shape, seed) => {
        const length = shape.reduce((product, dim) => product * dim, 1) * elementBytes[dtype];
        const tensor: StoredTensor = { dtype, shape, bytes: new Uint8Array(length).map((_, at) => at * 7 + seed) };
        const file = encodeNpy(tensor);
        expect(parseNpyHeader(file).dataOffset % 64).toBe(0);
        expect(parseNpy(file)).toEqual(tensor);
      }),
    );
  });

  it('writes the bytes that NumPy 1.24 writes', () => {
    const file = encodeNpy({ dtype: 'F32', shape: [3], bytes: new Uint8Array(12) });
    const header = `\u0093NUMPY\u0001\u0000v\u0000{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }`;
    expect(Buffer.from(file.subarray(0, 128)).toString('latin1')).toBe(`${header.padEnd(127)}\n`);
    expect(file.length).toBe(140);
  });

  it('refuses BF16 and wrong sizes', () => {
    expect(faultOf(() => encodeNpy({ dtype: 'BF16', shape: [1], bytes: new Uint8Array(2) }))).toMatch(/^E0712.*BF16/);
    expect(faultOf(() => encodeNpy({ dtype: 'F32', shape: [1], bytes: new Uint8Array(2) }))).toMatch(/^E0712/);
  });
});

describe('arrays of strings', () => {
  // As NumPy 2.4 writes them: np.save(file, np.array(['ant', 'mouse', 'caf\u00e9'])), and so on.
  const saved = (base64: string) => new Uint8Array(Buffer.from(base64, 'base64'));
  const unicode =
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPFU1JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAphAAAAbgAAAHQAAAAAAAAAAAAAAG0AAABvAAAAdQAAAHMAAABlAAAAYwAAAGEAAABmAAAA6QAAAAAAAAA=';
  const bytes =
    'k05VTVBZAQB2AHsnZGVzY3InOiAnfFM1JywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDMsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAphbnQAAG1vdXNlemVicmE=';
  const big =
    'k05VTVBZAQB2AHsnZGVzY3InOiAnPlUzJywgJ2ZvcnRyYW5fb3JkZXInOiBGYWxzZSwgJ3NoYXBlJzogKDIsKSwgfSAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIAoAAABhAAAAbgAAAHQAAAB4AAAAAAAAAAA=';

  it.each([
    ['UTF-32', unicode, ['ant', 'mouse', 'caf\u00e9']],
    ['bytes', bytes, ['ant', 'mouse', 'zebra']],
    ['UTF-32 of the other order of bytes', big, ['ant', 'x']],
  ])('are read as NumPy writes %s', (_, base64, names) => {
    expect(parseNpyStrings(saved(base64))).toEqual(names);
  });

  const of = (descr: string, shape: string, data: readonly number[]) =>
    fileOf(`{'descr': '${descr}', 'fortran_order': False, 'shape': ${shape}, }`, data);
  it.each([
    ['objects', of('|O', '(2,)', [1, 2]), "E0712: the array of type '|O' is no list of strings"],
    ['numbers', of('<f4', '(1,)', [0, 0, 0, 0]), "E0712: the array of type '<f4' is no list of strings"],
    ['two axes', of('<U1', '(1, 1)', [97, 0, 0, 0]), 'is no list of strings'],
    ['too few bytes', of('<U2', '(1,)', [97, 0, 0, 0]), 'E0712: 1 strings of 2 letters do not fit 4 bytes of data'],
    ['too many strings', of('<U999999999', '(99999999999,)', []), 'do not fit 0 bytes'],
    ['strings of no letters', of('<U0', '(99999999999,)', []), 'do not fit 0 bytes'],
    ['no UTF-8', of('|S1', '(1,)', [0xff]), 'E0712: a string is no UTF-8'],
    ['no letter', of('<U1', '(1,)', [0, 0, 0x11, 0]), 'E0712: a string has a letter beyond Unicode'],
  ])('are refused with %s', (_, file, message) => {
    expect(faultOf(() => parseNpyStrings(file))).toContain(message);
  });
});
