import { describe, expect, it } from 'vitest';
import { lookUp } from '../../compiler/ops/look-up.ts';
import type { Tensor } from '../../compiler/ir/type.ts';
import { checkSamples, checkSymbolicBatch, expectFault } from './check-op.ts';

const i8 = (...values: number[]): Tensor => ({ dtype: 'i8', shape: [values.length], data: Int8Array.from(values) });
const table = i8(...Array.from({ length: 256 }, (_, index) => (index === 128 ? 99 : 127 - index)));

describe('lookUp', () => {
  it('reads entry q + 128', () => {
    expect(lookUp.evaluate([i8(-128, -1, 0, 1, 127)], { table })).toEqual(i8(127, 0, 99, -2, -128));
  });

  checkSamples(lookUp);
  checkSymbolicBatch(lookUp);

  it('refuses what does not fit', () => {
    expectFault(lookUp, ['f32[2]'], { table }, 'E0302', 'cannot look up f32[2]: the elements must be i8');
    expectFault(lookUp, ['i8[2]'], { table: i8(1, 2) }, 'E0310', 'table must be i8[256], not i8[2]');
  });
});
