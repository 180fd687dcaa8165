import { describe, expect, it } from 'vitest';
import { fromFloat32, halfToFloat, toFloat32, toFloat64 } from '../../runtime/files/stored-tensor.ts';
import type { StoredType } from '../../runtime/files/stored-tensor.ts';

const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

describe('toFloat32 and toFloat64', () => {
  it.each<[StoredType, ArrayBufferView, number[]]>([
    ['F64', Float64Array.of(1.5, -(2 ** 60), 0.1), [1.5, -(2 ** 60), 0.1]],
    ['F32', Float32Array.of(1.5, -Infinity), [1.5, -Infinity]],
    [
      'F16',
      Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00, 0x3555),
      [1, -2, 65504, 2 ** -24, -0, Infinity, 0.333251953125],
    ],
    ['BF16', Uint16Array.of(0x3f80, 0xc040, 0x7f80), [1, -3, Infinity]],
    ['I64', BigInt64Array.of(-1n, 2n ** 53n), [-1, 2 ** 53]],
    ['I32', Int32Array.of(-(2 ** 31), 7), [-(2 ** 31), 7]],
    ['I16', Int16Array.of(-32768, 32767), [-32768, 32767]],
    ['I8', Int8Array.of(-128, 127), [-128, 127]],
    ['U8', Uint8Array.of(0, 255), [0, 255]],
    ['BOOL', Uint8Array.of(0, 1, 2), [0, 1, 1]],
  ])('%s', (dtype, values, expected) => {
    const aligned = bytesOf(values);
    const shifted = new Uint8Array(aligned.length + 1);
    shifted.set(aligned, 1);
    for (const bytes of [aligned, shifted.subarray(1)]) {
      const tensor = { dtype, shape: [expected.length], bytes };
      expect([...toFloat64(tensor)]).toEqual(expected);
      expect([...toFloat32(tensor)]).toEqual(expected.map(Math.fround));
    }
  });

  it('shares memory for aligned float32 and copies otherwise', () => {
    const values = Float32Array.of(1, 2, 3);
    expect(toFloat32(fromFloat32(values, [3])).buffer).toBe(values.buffer);
  });

  it('halves agree with the definition for all 65,536 bit patterns', () => {
    for (let bits = 0; bits < 65536; bits++) {
      const value = halfToFloat(bits);
      const exponent = (bits >> 10) & 31;
      // Independent way: shift into a float32 and correct the bias, which is exact for subnormals, too.
      const word = new DataView(new ArrayBuffer(4));
      word.setUint32(0, (((bits & 0x8000) << 16) >>> 0) + ((bits & 0x7fff) << 13));
      const expected =
        exponent === 31 ? (bits & 1023 ? Number.NaN : word.getFloat32(0) * Infinity) : word.getFloat32(0) * 2 ** 112;
      expect(Object.is(value, expected)).toBe(true);
    }
  });
});
