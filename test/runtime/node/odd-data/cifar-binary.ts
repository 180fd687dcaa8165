/** CIFAR-10's binary files: other versions, what lies beside them, and what is not whole. */
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { openDataset } from '../../../../runtime/node/datasets/open-dataset.ts';
import { trainedOn, type Files, type OddCase, type OddCases } from './odd-case.ts';

const record = (label: number): Buffer => Buffer.concat([Buffer.of(label), Buffer.alloc(3072)]);

const spec = { format: 'cifar-binary', path: 'cifar' } as const;
const of = (what: string, files: Files, becomes: string, more: Partial<OddCase> = {}): OddCase => ({
  what,
  files: Object.fromEntries(Object.entries(files).map(([name, file]) => [`cifar/${name}`, file])),
  read: trainedOn(spec),
  becomes,
  ...more,
});

export const cifarBinary: OddCases = {
  reader: 'cifar-binary',
  listed: [
    of(
      'copies and other files beside the batches',
      {
        'data_batch_1.bin': record(0),
        'data_batch_2.bin': record(1),
        'data_batch_1 (copy).bin': record(0),
        'test_batch.bin': record(1),
        'readme.html': '',
        'batches.meta.txt': 'cat\ndog\n',
      },
      '3 pictures (cat 1, dog 2), 2 / 0 / 1 for train / val / test; left out: 1 .bin (data_batch_1 (copy).bin), 1 .html',
      { read: trainedOn({ ...spec, split: { train: 2, seed: 0 } }) },
    ),
    of('the files of the Python version', { data_batch_1: Buffer.alloc(9) }, 'E0714: cifar holds no data_batch_*.bin', {
      help: 'its files are those of the Python version: take the binary version',
    }),
    of('CIFAR-100', { 'data_batch_1.bin': Buffer.alloc(3074) }, 'has 1 records of 3073 bytes and 1 bytes of record 1', {
      help: 'it may be CIFAR-100',
    }),
    of(
      'no `test_batch.bin` for `npx cnnc eval`',
      { 'data_batch_1.bin': record(0) },
      'E0710: cannot read cifar/test_batch.bin',
      {
        read: async (folder) => String((await openDataset('cifar-binary', join(folder, 'cifar'))).size),
      },
    ),
  ],
  others: [
    of(
      'a file that is cut',
      { 'data_batch_1.bin': Buffer.concat([record(0), record(1)]).subarray(0, 5000) },
      'E0714: cifar/data_batch_1.bin has 1 records of 3073 bytes and 1927 bytes of record 1',
    ),
    of('an archive', { 'data_batch_1.bin': gzipSync('tar') }, 'E0714: cifar/data_batch_1.bin has 0 records', {
      help: /data_batch_1\.bin is a gzip archive: unpack it, and name the folder that comes out$/,
    }),
    of('an empty file', { 'data_batch_1.bin': '' }, 'E0714: cifar/data_batch_1.bin has 0 records'),
    of(
      'a label above 9',
      { 'data_batch_1.bin': Buffer.concat([record(0), record(10)]) },
      'E0714: record 1 of cifar/data_batch_1.bin has the label 10, but classes are 0 to 9',
    ),
  ],
};
