/** Labels of data in the order of a model's scores: matched by name, refused where names or numbers differ. */
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Scores } from '../../../runtime/node/align-classes.ts';
import { openTrainingData, reopenSplits } from '../../../runtime/node/training-data.ts';
import { encodeNpy } from '../../../runtime/files/npy.ts';
import { fromFloat32 } from '../../../runtime/files/stored-tensor.ts';
import type { SampleSource } from '../../../runtime/train/loader.ts';
import type { DataSpec } from '../../../runtime/train/recipe.ts';
import { faultOfAsync } from '../fault.ts';
import { greyPng } from './png.ts';
import { temporaryFolder } from './temporary-folder.ts';

type Spec = Partial<Omit<DataSpec, 'format'>> & Pick<DataSpec, 'format'>;

async function open(spec: Spec, folder: string, scores?: Scores, target: 'class' | 'mask' = 'class') {
  const data = await openTrainingData({ name: 'data', split: { seed: 1 }, ...spec }, folder, { target, scores });
  onTestFinished(() => data.close());
  return data;
}

const faultOfOpening = (...given: Parameters<typeof open>) => faultOfAsync(() => open(...given));

const pixel = (value: number) => greyPng({ width: 1, height: 1, values: [value] });

/** Class folders with two pictures each, whose grey value is the number of the class in `all`. */
const all = ['ant', 'mouse', 'zebra'];
const pictures = (part: string, names: readonly string[]) =>
  Object.fromEntries(
    names.flatMap((name) =>
      [0, 1].map((at) => [`${part}${name}/${at}.png`, pixel(all.indexOf(name.toLowerCase()))] as const),
    ),
  );

/** Pairs (grey value, label) of all samples, without repetition. */
async function pairs(source: SampleSource | undefined): Promise<string[]> {
  const found = new Set<string>();
  for (let at = 0; at < (source?.size ?? 0); at++) {
    const { input, target } = (await source?.read(at)) ?? {};
    const value = input?.kind === 'image' ? input.image.data[0] : input?.values[0];
    found.add(`${value} ${target?.kind === 'class' ? target.label : target?.mask.data.join(',')}`);
  }
  return [...found].sort();
}

const everything = { train: 4, val: 1, test: 1, seed: 0 };

describe('class folders for a model with names', () => {
  it('are labelled by name where its order differs, in every thread', async () => {
    const folder = temporaryFolder(pictures('', all));
    const scores = { model: 'M', classes: 3, names: ['zebra', 'ant', 'mouse'] };
    const data = await open({ format: 'image-folder', path: '.', split: everything }, folder, scores);
    const expected = ['0 1', '1 2', '2 0'];
    const found = await Promise.all([data.train, data.val, data.test].map(pairs));
    expect([...new Set(found.flat())].sort()).toEqual(expected);
    const again = await reopenSplits(data.origin);
    expect(await pairs(again.train)).toEqual(found[0]);
    expect(data.classNames).toEqual(['zebra', 'ant', 'mouse']);
    expect(data.notes).toEqual(['the data has the classes of M in another order; they are matched by name']);
  });

  it('may be fewer than its classes, which is said', async () => {
    const folder = temporaryFolder(pictures('', ['ant', 'zebra']));
    const data = await open({ format: 'image-folder', path: '.', split: { train: 4, seed: 0 } }, folder, {
      model: 'M',
      classes: 3,
      names: all,
    });
    expect(await pairs(data.train)).toEqual(['0 0', '2 2']);
    expect(data.notes).toEqual(['the data has no mouse of M; the other classes are matched by name']);
  });

  it.each([
    ['Ant', ['Ant', 'mouse', 'zebra'], 'only the data has the class Ant; only M has ant'],
    ['zzmouse', ['ant', 'zebra', 'zzmouse'], 'only the data has the class zzmouse; only M has mouse'],
    ['one too many', [...all, 'owl'], 'only the data has the class owl'],
  ])('are refused with %s', async (_, names, message) => {
    const folder = temporaryFolder(pictures('', names));
    const scores = { model: 'M', classes: 3, names: all };
    expect(await faultOfOpening({ format: 'image-folder', path: '.' }, folder, scores)).toBe(`E0714: ${message}`);
  });

  it('are counted where it has none', async () => {
    const folder = temporaryFolder(pictures('', all));
    const spec = { format: 'image-folder', path: '.' } as const;
    expect(await faultOfOpening(spec, folder, { model: 'M', classes: 4 })).toBe(
      'E0714: the data has ant, mouse, zebra; M gives 4',
    );
    expect(await faultOfOpening(spec, folder, { model: 'M', classes: 2 })).toBe(
      'E0714: the data has ant, mouse, zebra; M gives 2',
    );
    expect(await faultOfOpening(spec, folder, { model: 'M', classes: 3, names: [...all, 'owl'] })).toBe(
      'E0714: the list of classes of M has ant, mouse, zebra, owl; M gives 3',
    );
    expect((await open(spec, folder, { model: 'M', classes: 3 })).classNames).toEqual(all);
  });
});

describe('parts of data', () => {
  it('may lack classes of the training part, and keep their labels', async () => {
    const folder = temporaryFolder({
      ...pictures('train/', all),
      ...pictures('val/', ['ant', 'zebra']),
      ...pictures('test/', ['mouse']),
    });
    const data = await open({ format: 'image-folder', path: '.' }, folder);
    expect(await Promise.all([data.train, data.val, data.test].map(pairs))).toEqual([
      ['0 0', '1 1', '2 2'],
      ['0 0', '2 2'],
      ['1 1'],
    ]);
    expect(data.notes).toEqual([
      'the validation part has no mouse of the training part; the other classes are matched by name',
      'the test part has no ant, zebra of the training part; the other classes are matched by name',
    ]);
    const scores = { model: 'M', classes: 3, names: ['zebra', 'ant', 'mouse'] };
    const turned = await open({ format: 'image-folder', path: '.' }, folder, scores);
    expect(await Promise.all([turned.train, turned.val, turned.test].map(pairs))).toEqual([
      ['0 1', '1 2', '2 0'],
      ['0 1', '2 0'],
      ['1 2'],
    ]);
  });

  it.each([
    ['val', ['Ant', 'mouse', 'zebra'], 'only the validation part has the class Ant; only the training part has ant'],
    ['test', [...all, 'owl'], 'only the test part has the class owl'],
  ])('are refused with other classes in %s', async (part, names, message) => {
    const folder = temporaryFolder({ ...pictures('train/', all), ...pictures(`${part}/`, names) });
    expect(await faultOfOpening({ format: 'image-folder', path: '.' }, folder)).toBe(`E0714: ${message}`);
  });
});

describe('arrays', () => {
  const arrays = (labels: readonly number[]) => ({
    'x.npy': encodeNpy(fromFloat32(Float32Array.from(labels), [labels.length, 1, 1, 1])),
    'labels.npy': encodeNpy(fromFloat32(Float32Array.from(labels), [labels.length])),
  });

  it('are refused with labels beyond the scores, and with another number of classes', async () => {
    const folder = temporaryFolder(arrays([0, 1, 2, 3]));
    const spec = { format: 'npy', path: 'x.npy' } as const;
    expect(await faultOfOpening(spec, folder, { model: 'M', classes: 3 })).toMatch(
      /^E0714: sample 3 of .*x\.npy has the label 3, but classes are 0 to 2$/,
    );
    expect(await faultOfOpening({ ...spec, classes: 4 }, folder, { model: 'M', classes: 5 })).toBe(
      'E0714: the data has 4 classes; M gives 5',
    );
  });

  it('may have no sample of some classes, which is said', async () => {
    const folder = temporaryFolder(arrays([0, 2, 4, 6, 8, 0, 2, 4, 6, 8]));
    const data = await open({ format: 'npy', path: 'x.npy' }, folder, { model: 'M', classes: 10 });
    expect(data.notes).toEqual([`${join(folder, 'x.npy')} has no sample of 5 classes 1, 3, 5, 7, 9`]);
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j'];
    const named = await open({ format: 'npy', path: 'x.npy' }, folder, { model: 'M', classes: 10, names });
    expect([named.classNames, named.notes]).toEqual([
      names,
      [`${join(folder, 'x.npy')} has no sample of 5 classes b, d, f, h, j`],
    ]);
  });
});

describe('masks', () => {
  const files = (values: readonly number[], names: readonly string[]) => ({
    'i/a.png': pixel(0),
    'i/b.png': pixel(0),
    'm/a.png': greyPng({ width: values.length, height: 1, values }),
    'm/b.png': greyPng({ width: values.length, height: 1, values }),
    'names.txt': names.join('\n'),
  });
  const spec = {
    format: 'image-mask-folder',
    images: 'i/*',
    masks: 'm/*',
    labels: 'names.txt',
    split: { train: 2, seed: 0 },
  } as const;
  const wide = (count: number) => greyPng({ width: count, height: 1, values: Array.from({ length: count }, () => 0) });
  const folderOf = (values: readonly number[], names: readonly string[]) =>
    temporaryFolder({ ...files(values, names), 'i/a.png': wide(values.length), 'i/b.png': wide(values.length) });

  it('are labelled by name, pixel by pixel; what is ignored stays', async () => {
    const folder = folderOf([0, 1, 2, 255], ['road', 'car', 'tree']);
    const scores = { model: 'M', classes: 3, names: ['tree', 'road', 'car'] };
    const data = await open({ ...spec, ignore: 255 }, folder, scores, 'mask');
    expect(await pairs(data.train)).toEqual(['0 1,2,0,255']);
  });

  it('may name the class to ignore behind the others', async () => {
    const folder = folderOf([0, 1, 2], ['road', 'car', 'void']);
    const data = await open({ ...spec, ignore: 2 }, folder, { model: 'M', classes: 2 }, 'mask');
    expect(data.classNames).toEqual(['road', 'car']);
    expect(await faultOfOpening(spec, folder, { model: 'M', classes: 2 }, 'mask')).toBe(
      'E0714: the data has road, car, void; M gives 2',
    );
  });

  it('are refused where matching would turn the ignored class into one that counts', async () => {
    const folder = folderOf([0, 1, 2], ['void', 'road', 'car']);
    const scores = { model: 'M', classes: 3, names: ['road', 'car', 'void'] };
    expect(await faultOfOpening({ ...spec, ignore: 0 }, folder, scores, 'mask')).toMatch(
      /^E0714: the class to ignore, 0, is another one where classes are matched by name$/,
    );
  });
});
