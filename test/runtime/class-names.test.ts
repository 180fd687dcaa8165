import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkCount,
  checkNames,
  checkNumbers,
  className,
  matchClasses,
  matchText,
  nameList,
  namesInMetadata,
  namesMetadata,
  settleNames,
} from '../../runtime/class-names.ts';
import { RuntimeFault } from '../../runtime/errors.ts';
import { faultOf } from './fault.ts';

const helpOf = (action: () => unknown): string | undefined => {
  try {
    action();
  } catch (error) {
    if (error instanceof RuntimeFault) return error.help;
  }
  return undefined;
};

const match = (own: readonly string[], other: readonly string[]) =>
  matchClasses({ who: 'the data', names: own }, { who: 'M', names: other });
const said = (own: readonly string[], other: readonly string[]) => matchText(match(own, other), 'the data', 'M');

describe('two lists of classes', () => {
  it('are the same', () => {
    expect(match(['ant', 'mouse'], ['ant', 'mouse'])).toEqual({ map: [0, 1], isSame: true, missing: [] });
    expect(said(['ant', 'mouse'], ['ant', 'mouse'])).toBeUndefined();
  });

  it('are matched by name where the order differs', () => {
    const names = ['zebra', 'ant', 'mouse'];
    expect(match(['ant', 'mouse', 'zebra'], names)).toEqual({ map: [1, 2, 0], isSame: false, missing: [] });
    expect(said(['ant', 'mouse', 'zebra'], names)).toBe(
      'the data has the classes of M in another order; they are matched by name',
    );
  });

  it('may be a part of each other', () => {
    const names = ['ant', 'mouse', 'zebra'];
    expect(match(['ant', 'zebra'], names)).toEqual({ map: [0, 2], isSame: false, missing: ['mouse'] });
    expect(said(['ant', 'zebra'], names)).toBe('the data has no mouse of M; the other classes are matched by name');
    // What comes first has the same numbers, and is a part nevertheless.
    expect(match(['ant', 'mouse'], names)).toMatchObject({ isSame: true, missing: ['zebra'] });
    expect(said(['ant', 'mouse'], names)).toContain('has no zebra');
  });

  it.each([
    ['a capital letter', ['Ant', 'mouse'], ['ant', 'mouse'], 'the class Ant; only M has ant', 'is it Ant for ant?'],
    ['a prefix', ['ant', 'zzmouse'], ['ant', 'mouse'], 'the class zzmouse; only M has mouse', 'zzmouse for mouse'],
    ['a separator', ['fire_truck'], ['fire truck'], 'the class fire_truck; only M has fire truck', 'fire_truck for'],
    ['a slip', ['airplane', 'x'], ['aeroplane', 'x'], 'class airplane; only M has aeroplane', 'airplane for aeroplane'],
    ['composed letters', ['caf\u0065\u0301'], ['caf\u00e9'], 'only M has caf\u00e9', 'is it '],
    ['one more class', ['ant', 'bee', 'cat'], ['ant', 'cat'], 'the class bee', 'classes are compared by name'],
    ['other classes', ['a', 'b'], ['c', 'd'], 'the classes a, b; only M has c, d', 'classes are compared by name'],
  ])('that differ by %s are refused', (_, own, other, message, help) => {
    const action = () => match(own, other);
    expect(faultOf(action)).toMatch(/^E0714: only the data has the class/);
    expect(faultOf(action)).toContain(message);
    expect(helpOf(action)).toContain(help);
  });

  it('are refused where a name is that of two classes, unless it does not matter', () => {
    const cranes = ['crane', 'ant', 'crane'];
    expect(faultOf(() => match(['crane', 'ant'], cranes))).toBe('E0714: M calls two classes crane, 0 and 2');
    expect(faultOf(() => match(cranes, ['ant', 'crane', 'x']))).toBe(
      'E0714: the data calls two classes crane, 0 and 2',
    );
    expect(match(['ant'], cranes)).toMatchObject({ map: [1] });
    expect(match(cranes, cranes)).toEqual({ map: [0, 1, 2], isSame: true, missing: [] });
  });

  it('send every name to itself, whatever the order and the part', () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(
        names.chain((all) => fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: 1 }))),
        ([all, own]) => {
          const { map, missing } = match(own, all);
          expect(map.map((index) => all[index])).toEqual(own);
          expect(new Set([...own, ...missing])).toEqual(new Set(all));
        },
      ),
    );
  });

  it('are shortened where there are many', () => {
    const many = Array.from({ length: 1000 }, (_, at) => `class-${at}`);
    const fault = faultOf(() => match(many, ['x']));
    expect(fault).toBe(
      'E0714: only the data has the classes class-0, class-1, class-2, class-3, class-4, ... (1000 in all); only M has x',
    );
    expect(nameList(many.slice(0, 8))).toBe(many.slice(0, 8).join(', '));
  });
});

describe('names that travel with weights', () => {
  it('come back as they were', () => {
    const names = ['ant', 'great white shark, "Jaws"', 'caf\u00e9'];
    expect(namesInMetadata(new Map(namesMetadata(names)), 'x')).toEqual(names);
    expect([namesMetadata([]), namesMetadata(undefined)]).toEqual([[], []]);
    expect(namesInMetadata(new Map([['format', 'pt']]), 'x')).toBeUndefined();
  });

  it.each(['ant, mouse', '{"0": "ant"}', '["ant", 1]', ''])('are refused as %j', (text) => {
    const fault = faultOf(() => namesInMetadata(new Map([['class_names', text]]), 'w.safetensors'));
    expect(fault).toBe('E0714: the entry class_names of w.safetensors is no list of names');
  });

  const settle = (carried?: readonly string[], given?: readonly string[]) =>
    settleNames({ model: 'M', weights: 'w.safetensors', carried, given });

  it('are those of the weights, else those of the source', () => {
    expect(settle(['a', 'b'], ['a', 'b'])).toEqual({ names: ['a', 'b'] });
    expect([settle(['a'], undefined), settle(undefined, ['b']), settle()].map(({ names }) => names)).toEqual([
      ['a'],
      ['b'],
      undefined,
    ]);
  });

  it('keep the order that was learnt, which is said', () => {
    expect(settle(['a', 'b'], ['b', 'a'])).toEqual({
      names: ['a', 'b'],
      note: 'the list of classes of M has another order than w.safetensors: scores are named as the weights have learnt them',
    });
  });

  it.each([
    [['a', 'b'], ['a', 'c'], 'only the list of classes of M has the class c; only w.safetensors has b'],
    [['a', 'b', 'c'], ['a', 'b'], 'only w.safetensors has the class c'],
  ])('are refused where the source gives others', (carried, given, message) => {
    expect(faultOf(() => settle(carried, given))).toBe(`E0714: ${message}`);
  });
});

describe('a number of classes', () => {
  it('is compared, with the names where they are known', () => {
    const data = { who: 'the data', names: ['ant', 'mouse', 'zebra'] };
    expect(faultOf(() => checkCount(data, 4, 'M'))).toBe('E0714: the data has ant, mouse, zebra; M gives 4');
    expect(() => checkCount(data, 3, 'M')).not.toThrow();
    const many = Array.from({ length: 20 }, (_, at) => `c${at}`);
    const fault = faultOf(() => checkCount({ who: 'labels.txt', names: many }, 4, 'M'));
    expect(fault).toBe('E0714: labels.txt has 20 classes (c0, c1, c2, ...); M gives 4');
    expect(faultOf(() => checkNumbers('the data', 3, 4, 'M'))).toBe('E0714: the data has 3 classes; M gives 4');
  });

  it('names a class by its number where it has no name', () => {
    expect([className(['a'], 0), className(['a'], 1), className(undefined, 2)]).toEqual(['a', 'class 1', 'class 2']);
  });
});

it('names of classes are one line of text', () => {
  const wrong = ['a\nb', 'a\tb', '\u001b[31ma', 'a\u009bb', 'a\u2028b'];
  for (const name of wrong) {
    expect(
      faultOf(() => checkNames(['ant', name], 'the data')),
      JSON.stringify(name),
    ).toMatch(/^E0714: the data has a /);
    const metadata = new Map([['class_names', JSON.stringify([name])]]);
    expect(faultOf(() => namesInMetadata(metadata, 'x.safetensors'))).toMatch(/^E0714: x.safetensors has a class /);
  }
  // Joiners shape letters and emoji, and accents may be characters of their own.
  checkNames(['میوه\u200cها', '\u{1f469}\u200d\u{1f373}', 'e\u0301'], 'the data');
});
