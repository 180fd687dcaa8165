/** Arrays of NumPy, one a file or several in an archive: other shapes, types and names, and what is not whole. */
import { expect } from 'vitest';
import { encodeNpy } from '../../../../runtime/files/npy.ts';
import { fromFloat32 } from '../../../../runtime/files/stored-tensor.ts';
import type { DataSpec } from '../../../../runtime/train/recipe.ts';
import { zip, type ZipEntry } from '../zip.ts';
import { trainedOn, type OddCase, type OddCases } from './odd-case.ts';

const floats = (values: readonly number[], ...shape: readonly number[]): Uint8Array =>
  encodeNpy(fromFloat32(Float32Array.from(values), shape));
/** 0, 1, 2 and so on. */
const range = (...shape: readonly number[]): Uint8Array =>
  floats([...Array(shape.reduce((product, size) => product * size, 1)).keys()], ...shape);
/** The same bytes, of which the header says something else, of as many letters. */
const reheaded = (file: Uint8Array, from: string, to: string): Uint8Array =>
  Buffer.from(Buffer.from(file).toString('latin1').replace(from, to), 'latin1');

const images = range(2, 3, 2, 2);
const labels = floats([1, 0], 2);
const npySpec = { format: 'npy', path: 'x.npy' } as const;

const npy = (
  what: string,
  { x = images, y = labels }: { readonly x?: Uint8Array; readonly y?: Uint8Array },
  becomes: OddCase['becomes'],
  help?: OddCase['help'],
): OddCase => ({
  what,
  files: { 'x.npy': x, 'labels.npy': y },
  read: trainedOn(npySpec),
  becomes,
  ...(help === undefined ? {} : { help }),
});

export const npyFiles: OddCases = {
  reader: 'npy',
  listed: [
    {
      ...npy('no labels', {}, 'E0714: there is no labels.npy beside x.npy', 'the option labels'),
      files: { 'x.npy': images },
    },
    npy(
      'labels as rows with a 1 at the class',
      { y: floats([1, 0, 0, 1], 2, 2) },
      'E0714: the labels in labels.npy have the shape [2, 2], not [N] or [N, height, width]',
      '`labels.argmax(axis=1)`',
    ),
    npy(
      'labels that are words',
      { y: reheaded(labels, '<f4', '<U1') },
      "E0712: labels.npy: the element type '<U1' is not one of",
      'np.unique(labels, return_inverse=True)[1]',
    ),
    npy(
      'labels that are no whole numbers',
      { y: floats([0.5, 1], 2) },
      'E0714: sample 0 of x.npy has the label 0.5, but a class is an integer from 0',
      'labels are the numbers of classes, which are whole',
    ),
    npy('three axes', { x: range(2, 3, 4) }, 'E0714: x.npy has the shape [2, 3, 4], not [N, C, H, W]'),
    npy('a file that is cut', { x: images.subarray(0, 200) }, 'E0714: x.npy needs 96 bytes of data, but has 72'),
  ],
  others: [
    npy('another number of labels', { y: range(24) }, 'E0714: x.npy has 2 samples, but labels.npy has 24 labels'),
    {
      ...npy(
        'Fortran order',
        { x: reheaded(images, "False, 'shape': (2, 3, 2, 2)", "True , 'shape': (2, 2, 3, 2)") },
        /^2 samples \(2 classes of 1\)$/,
      ),
      // Element [1, c, h, w] lies at 1 + 2 * (c + 2 * (h + 3 * w)).
      read: trainedOn(npySpec, {}, (samples) => {
        const values = samples.map(({ input }) => (input.kind === 'tensor' ? input.values.subarray(0, 4).join() : ''));
        expect(values).toContain('1,13,5,17');
      }),
    },
    npy(
      'labels below 0',
      { y: floats([1, -1], 2) },
      'E0714: sample 1 of x.npy has the label -1, but a class is an integer from 0',
      /from 0, and leave out/,
    ),
    npy(
      'a type that is none of those',
      { x: reheaded(images, '<f4', '<u2') },
      "E0712: x.npy: the element type '<u2' is not one of",
      'astype("float32")',
    ),
    npy('a header that is cut', { x: images.subarray(0, 50) }, 'E0712: x.npy: the file ends inside of its header'),
    npy('labels that are no array', { y: Uint8Array.of(1) }, 'E0712: labels.npy: the file does not begin'),
  ],
};

const entry = (name: string, bytes: Uint8Array): ZipEntry => ({ name: `${name}.npy`, bytes });
const samples = (size: number, name: string): ZipEntry => entry(name, range(size, 1, 1, 1));
const classes = (size: number, name: string): ZipEntry =>
  entry(
    name,
    floats(
      Array.from({ length: size }, (_, at) => at % 2),
      size,
    ),
  );
const pair = (size: number, first: string, second: string): ZipEntry[] => [samples(size, first), classes(size, second)];
const [twoImages, twoLabels] = [samples(2, 'images'), classes(2, 'labels')];
const plain = [twoImages, twoLabels];

const npz = (
  what: string,
  entries: readonly ZipEntry[] | Uint8Array,
  becomes: OddCase['becomes'],
  { target, ...spec }: Partial<DataSpec> & { readonly target?: 'class' | 'mask' } = {},
): OddCase => ({
  what,
  files: { 'x.npz': entries instanceof Uint8Array ? entries : zip(entries) },
  read: trainedOn({ format: 'npz', path: 'x.npz', ...spec }, target ? { target } : {}),
  becomes,
});
const split = { split: { seed: 0 } };

export const npzFiles: OddCases = {
  reader: 'npz',
  listed: [
    npz(
      'arrays of other names',
      [...plain, classes(2, 'ids'), classes(9, 'val_weights')],
      /^2 samples \(2 classes of 1\); left out: 2 arrays \(ids, val_weights\)$/,
    ),
    npz(
      'parts by the names of Keras',
      [...pair(5, 'x_train', 'y_train'), ...pair(3, 'x_test', 'y_test')],
      '8 samples (2 classes of 3 to 5), 4 / 1 / 3 for train / val / test',
      split,
    ),
    npz(
      'a part without labels',
      [...plain, samples(2, 'val_images')],
      'E0714: x.npz has val_images, but no labels or masks of the same part',
    ),
    npz('two arrays that could be meant', [...plain, samples(2, 'x')], 'E0714: x.npz has images and x: either could'),
    npz(
      'channels that may be first or last',
      [entry('x', range(2, 3, 1, 3)), classes(2, 'y')],
      'E0714: x of x.npz has the shape [2, 3, 1, 3], which may be [N, C, H, W] or [N, H, W, C]',
    ),
    {
      ...npz(
        'NaN or infinity among the samples',
        [entry('images', floats([1, Number.NaN], 2, 1, 1, 1)), twoLabels],
        'E0714: sample 1 of images of x.npz has the value NaN at element 0',
      ),
      help: '`np.nan_to_num(images)`',
    },
  ],
  others: [
    npz('an archive that is cut', zip(plain).subarray(0, -1), 'E0718: x.npz: it has no directory of a zip archive'),
    npz(
      'plain arrays, and those of `val`',
      [...pair(6, 'images', 'labels'), ...pair(2, 'val_images', 'val_labels')],
      ', 5 / 2 / 1 for train / val / test',
      split,
    ),
    npz(
      'parts by the names of scikit-learn',
      [...pair(5, 'X_train', 'y_train'), ...pair(3, 'X_test', 'y_test')],
      ', 4 / 1 / 3 for train / val / test',
      split,
    ),
    npz(
      'parts by the names of MedMNIST',
      ['train', 'val', 'test'].flatMap((part, at) => pair(4 + at, `${part}_images`, `${part}_labels`)),
      ', 4 / 5 / 6 for train / val / test',
      split,
    ),
    npz(
      'parts by long words',
      [...pair(4, 'x', 'y'), ...pair(2, 'validation_x', 'validation_y')],
      ', 3 / 2 / 1 for train / val / test',
      split,
    ),
    npz('nothing', [], 'E0714: x.npz holds nothing, which are no samples with labels'),
    npz('labels alone', [twoLabels], 'E0714: x.npz has labels, but no samples of the same part'),
    npz('labels of no samples', [...plain, classes(2, 'y_test')], 'E0714: x.npz has y_test, but no samples of the'),
    npz(
      'two for training',
      [...plain, ...pair(2, 'x_train', 'y_train')],
      'E0714: x.npz has images, labels and x_train, y_train: either could be for training',
    ),
    npz('a test alone', pair(2, 'x_test', 'y_test'), 'E0714: x.npz has samples for test alone, and none for train'),
    npz('no samples', pair(0, 'images', 'labels'), 'E0714: x.npz has no samples'),
    npz(
      'other numbers',
      [samples(3, 'images'), twoLabels],
      'E0714: images of x.npz has 3 samples, but labels of x.npz',
    ),
    npz('two axes', [entry('images', range(2, 1)), twoLabels], 'E0714: images of x.npz has the shape [2, 1]'),
    npz('labels with columns', [twoImages, entry('labels', range(2, 2))], 'E0714: the labels in labels of x.npz have'),
    npz(
      'masks of another size',
      [twoImages, entry('masks', range(2, 1, 2))],
      'E0714: the masks in masks of x.npz are 2x1, but the samples are 1x1',
      { target: 'mask' },
    ),
    npz(
      'names of classes that are numbers',
      [...plain, classes(2, 'class_names')],
      "E0712: class_names of x.npz: the array of type '<f4' is no list of strings",
    ),
    npz(
      'an array that is broken',
      [{ ...twoImages, bytes: Uint8Array.of(1) }, twoLabels],
      'E0712: images of x.npz: the file does not begin',
    ),
  ],
};
