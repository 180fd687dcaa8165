/** Sparse tensors in files: back as they were, smaller, and refused where their parts do not fit. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeSafetensors, parseSafetensors } from '../../runtime/files/safetensors.ts';
import { packSparse, unpackSparse } from '../../runtime/files/sparse-tensors.ts';
import { fromFloat32, toFloat32, type StoredTensor } from '../../runtime/files/stored-tensor.ts';
import { faultOf } from './fault.ts';

const tensor = (values: readonly number[], shape = [values.length]): StoredTensor =>
  fromFloat32(Float32Array.from(values), shape);
const written = (tensors: ReadonlyMap<string, StoredTensor>) => {
  const { tensors: packed, metadata } = packSparse(tensors);
  return parseSafetensors(encodeSafetensors(packed, metadata));
};

describe('sparse tensors', () => {
  it('have a bitmap, lowest bit first, and the values that are not zero', () => {
    const { tensors, metadata } = written(new Map([['w', tensor([0, 3, 0, 0, 0, 0, 0, 0, 0, -2], [2, 5])]]));
    expect([...tensors.keys()].toSorted()).toEqual(['w.bitmap', 'w.values']);
    expect([...(tensors.get('w.bitmap')?.bytes ?? [])]).toEqual([0b10, 0b10]);
    expect(metadata.get('sparse')).toBe('{"w":[2,5]}');
  });

  it('leave tensors alone that are not mostly zero, and other types', () => {
    const bytes: StoredTensor = { dtype: 'I8', shape: [3], bytes: new Uint8Array(3) };
    const { tensors, metadata } = written(
      new Map([
        ['w', tensor([0, 1, 2])],
        ['q', bytes],
      ]),
    );
    expect([...tensors.keys()].toSorted()).toEqual(['q', 'w']);
    expect(metadata.size).toBe(0);
  });

  it('are the same after a file', () => {
    const element = fc.oneof(
      { weight: 5, arbitrary: fc.constant(0) },
      { weight: 1, arbitrary: fc.float({ noNaN: true }) },
    );
    const names = fc.constantFrom('a.weight', 'a.bias', 'b.values', 'b', 'b.bitmap');
    const entries = fc.uniqueArray(fc.tuple(names, fc.array(element, { minLength: 1, maxLength: 70 })), {
      selector: ([name]) => (name.split('.')[0] === 'b' ? 'b' : name),
    });
    fc.assert(
      fc.property(entries, (list) => {
        const before = new Map(list.map(([name, values]) => [name, tensor(values)]));
        const after = unpackSparse(written(before));
        expect(new Set(after.keys())).toEqual(new Set(before.keys()));
        for (const [name, values] of list) {
          const stored = after.get(name);
          // Zeros may lose their sign.
          const unsigned = (numbers: Iterable<number>): number[] => Array.from(numbers, (value) => value + 0);
          expect(stored && unsigned(toFloat32(stored))).toEqual(unsigned(Float32Array.from(values)));
        }
      }),
    );
  });

  it('are refused where parts do not fit', () => {
    const good = packSparse(new Map([['w', tensor([0, 0, 0, 1])]]));
    const broken =
      (change: (tensors: Map<string, StoredTensor>) => void, shapes = good.metadata) =>
      () => {
        const tensors = new Map(good.tensors);
        change(tensors);
        return unpackSparse({ tensors, metadata: shapes });
      };
    const shaped = (text: string) => new Map([['sparse', text]]);
    expect(faultOf(broken((all) => all.delete('w.values')))).toMatch(/has no bitmap and values/);
    expect(faultOf(broken((all) => all.delete('w.bitmap')))).toMatch(/has no bitmap/);
    expect(faultOf(broken((all) => all.set('w.values', tensor([1, 2]))))).toMatch(/2 values for 1 bits/);
    expect(faultOf(broken(() => undefined, shaped('{"w":[40]}')))).toMatch(/8 bits for 40 elements/);
    expect(faultOf(broken(() => undefined, shaped('{"w":[-1]}')))).toMatch(/no list of sizes/);
    expect(faultOf(broken(() => undefined, shaped('[')))).toMatch(/^E0711: /);
  });
});
