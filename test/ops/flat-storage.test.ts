import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eachStored, sameStorage, storedLength } from '../../compiler/ops/rules/storage-order.ts';
import { flatStorage } from '../../compiler/ops/flat-storage.ts';
import { fromStorage } from '../../compiler/ops/from-storage.ts';
import { arange, checkSamples, expectFault, expectTensor, f32, noise } from './check-op.ts';

const shapes = fc.array(fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 5 }), { minLength: 1, maxLength: 5 });

describe('flatStorage', () => {
  it('stores pixels one after another, channels together in groups of four', () => {
    const x = f32([1, 5, 1, 2], [1, 2, 11, 12, 21, 22, 31, 32, 41, 42]);
    const data = [1, 11, 21, 31, 41, 0, 0, 0, 2, 12, 22, 32, 42, 0, 0, 0];
    expectTensor(flatStorage.evaluate([x], {}), { shape: [1, 16], data });
  });

  it('stores a vector and a scalar as one pixel', () => {
    const y = flatStorage.evaluate([arange(5), f32([], [7])], {});
    expectTensor(y, { shape: [1, 12], data: [0, 1, 2, 3, 4, 0, 0, 0, 7, 0, 0, 0] });
  });

  it('is undone by fromStorage, part by part', () => {
    const property = fc.property(shapes, (list) => {
      const parts = list.map((shape, index) => noise(shape, index));
      const flat = flatStorage.evaluate(parts, {});
      let offset = 0;
      for (const part of parts) {
        const shape = part.shape;
        expect(fromStorage.evaluate([flat], { offset, shape })).toEqual(part);
        offset += storedLength(shape);
      }
      expect(offset).toBe(flat.data.length);
    });
    fc.assert(property);
  });

  it('stores what is stored already as it is', () => {
    const flat = flatStorage.evaluate([arange(2, 5, 3), arange(3)], {});
    expect(flatStorage.evaluate([flat], {})).toEqual(flat);
  });

  it('knows shapes that lie in the same way', () => {
    const placesOf = (shape: readonly number[]): number[] => {
      const places: number[] = [];
      eachStored(shape, (index, stored) => (places[index] = stored));
      return places;
    };
    const size = fc.constantFrom(1, 1, 2, 3, 4, 8);
    const shape = fc.array(size, { minLength: 0, maxLength: 4 });
    const property = fc.property(shape, shape, (a, b) => {
      const [first, second] = [placesOf(a), placesOf(b)];
      fc.pre(first.length === second.length);
      // What it calls equal is equal; it may miss a few, such as single channels in images of pixels.
      if (sameStorage(a, b)) expect(first).toEqual(second);
    });
    fc.assert(property, { numRuns: 1000 });
    expect(sameStorage([6], [1, 6, 1, 1])).toBe(true);
    expect(sameStorage([2, 8], [1, 16])).toBe(true);
    expect(sameStorage([2, 6], [1, 12])).toBe(false);
    expect(sameStorage([4, 3, 1, 1], [4, 3])).toBe(true);
  });

  checkSamples(flatStorage);

  it('refuses what does not fit', () => {
    expectFault(flatStorage, [], {}, 'E0314', 'cannot store: operand 1 is missing');
    const open = 'cannot store f32[N, 4]: its sizes must be known';
    expectFault(flatStorage, ['f32[4]', 'f32[N, 4]'], {}, 'E0309', open);
    expectFault(flatStorage, ['i32[4]'], {}, 'E0302', 'cannot store i32[4]: the elements must be f32');
  });
});
