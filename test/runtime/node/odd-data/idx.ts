/** Files of MNIST's format: what is missing, mixed up, cut or damaged. */
import { gzipSync } from 'node:zlib';
import { trainedOn, type Files, type OddCase, type OddCases } from './odd-case.ts';

function idx(magic: number, dims: readonly number[], data: ArrayLike<number> = []): Buffer {
  const file = Buffer.alloc(4 + dims.length * 4 + data.length);
  [magic, ...dims].forEach((value, at) => file.writeUInt32BE(value, at * 4));
  file.set(data, 4 + dims.length * 4);
  return file;
}

const images = idx(2051, [2, 1, 3], [1, 2, 3, 4, 5, 6]);
const labels = idx(2049, [2], [1, 0]);
const [imagesName, labelsName] = ['mnist/train-images-idx3-ubyte', 'mnist/train-labels-idx1-ubyte'];
const good: Files = { [imagesName]: images, [labelsName]: labels };
const spec = { format: 'idx', path: 'mnist' } as const;

const of = (what: string, files: Files, becomes: OddCase['becomes'], read = trainedOn(spec)): OddCase => ({
  what,
  files: { ...good, ...files },
  read,
  becomes,
});
const pictures = (what: string, file: Uint8Array, becomes: OddCase['becomes']): OddCase =>
  of(what, { [imagesName]: file }, becomes);

export const idxFiles: OddCases = {
  reader: 'idx',
  listed: [
    of(
      'packed files under the names of unpacked ones, others beside them',
      { [imagesName]: gzipSync(images), [labelsName]: gzipSync(labels), 'mnist/readme.txt': '' },
      /^2 pictures \(2 classes of 1\); left out: 1 \.txt \(readme\.txt\)$/,
    ),
    {
      ...of('no file of labels', {}, 'E0714: there are no labels beside mnist/train-images-idx3-ubyte: train-labels'),
      files: { [imagesName]: images },
    },
    of(
      'pictures in place of labels',
      { [labelsName]: images },
      'E0714: mnist/train-labels-idx1-ubyte is no IDX file of labels: its magic number is 2051, not 2049',
    ),
    pictures('a packed file that is cut', gzipSync(images).subarray(0, 20), 'E0714: cannot unpack mnist/train-images'),
  ],
  others: [
    {
      ...of('no file of pictures', {}, 'E0714: mnist holds no train-images-idx3-ubyte, gzipped or not'),
      files: { 'mnist/readme.txt': '' },
    },
    of('other numbers', { [labelsName]: idx(2049, [1], [0]) }, /^E0714: .* has 2 pictures, but .* has 1 labels$/),
    of('labels that are cut', { [labelsName]: labels.subarray(0, 9) }, 'has 1 labels, but its header says 2'),
    pictures('labels in place of pictures', labels, 'E0714: mnist/train-images-idx3-ubyte ends inside of its header'),
    pictures('an empty file', Buffer.alloc(0), 'E0714: mnist/train-images-idx3-ubyte ends inside of its header'),
    pictures('a header that is cut', images.subarray(0, 15), 'E0714: mnist/train-images-idx3-ubyte ends inside of its'),
    pictures('pictures that are cut', images.subarray(0, 20), 'has 1 and a part of the 2 pictures of 3x1'),
    pictures('bytes to spare', Buffer.concat([images, Buffer.alloc(3)]), 'ubyte has 3 of the 2 pictures of 3x1'),
    pictures('no pixels', idx(2051, [2, 0, 3]), 'says that its pictures are 3x0'),
    pictures('a huge picture', idx(2051, [2, 2 ** 31, 2 ** 31]), 'says that its pictures are 2147483648x2147483648'),
    of(
      'files without a sample',
      { [imagesName]: idx(2051, [0, 4, 4]), [labelsName]: idx(2049, [0]) },
      'E0714: mnist has no samples',
    ),
    of(
      'a label beyond `classes`',
      { [labelsName]: idx(2049, [2], [7, 0]) },
      'E0714: record 0 of mnist/train-images-idx3-ubyte has the label 7, but classes are 0 to 4',
      trainedOn({ ...spec, classes: 5 }),
    ),
  ],
};
