/** Files that give pictures their classes, and files that name the classes. */
import { basename, join } from 'node:path';
import { expect } from 'vitest';
import { readNamesFile } from '../../../../runtime/node/datasets/dataset.ts';
import { openDataset } from '../../../../runtime/node/datasets/open-dataset.ts';
import type { DataOverrides } from '../../../../runtime/node/training-data.ts';
import { labelOf } from '../../../../runtime/train/sample.ts';
import { flatPng } from '../png.ts';
import { trainedOn, type OddCase, type OddCases } from './odd-case.ts';

const picture = flatPng(1, 1, [1, 1, 1]);
const photos = Object.fromEntries(['a b.png', 'c.png', 'd.png', 'in/e.png'].map((name) => [`photos/${name}`, picture]));
const spec = { format: 'image-folder', path: 'photos', labels: 'labels.csv' } as const;

const reads = (what: string, lines: string): OddCase => ({
  what,
  files: { ...photos, 'labels.csv': lines },
  read: trainedOn(spec, {}, (samples) => {
    const labels = Object.fromEntries(samples.map((sample) => [basename(sample.name), labelOf(sample)]));
    expect(labels).toEqual({ 'a b.png': 1, 'c.png': 0 });
  }),
  becomes: /^2 pictures \(2 classes of 1\); left out: 2 without a line in \.\.\/labels\.csv \(d\.png, \.\.\.\)$/,
});

const refuses = (what: string, lines: string | Uint8Array, becomes: string, more: Partial<OddCase> = {}): OddCase => ({
  what,
  files: { ...photos, 'labels.csv': lines },
  read: trainedOn(spec),
  becomes,
  ...more,
});

/** As `cnnc eval --labels labels.csv` does. */
async function evaluated(folder: string): Promise<string> {
  const dataset = await openDataset('image-folder', join(folder, 'photos'), { labels: join(folder, 'labels.csv') });
  await dataset.close();
  return `${dataset.size} pictures`;
}

export const labelsFile: OddCases = {
  reader: 'labels file',
  listed: [
    reads(
      'commas, semicolons, tabs or blanks, quotes, a heading behind `#`, a byte-order mark, CRLF',
      '\uFEFF# file;label\r\n\r\n"a b.png";1\r\nc.png,"0"\r\n',
    ),
    refuses('a heading without `#`', 'filename,label\nc.png,1', 'E0714: line 1 of labels.csv is not a file and', {
      help: /^a heading is written with `#` in front; /,
    }),
    refuses('a class below 0', 'c.png -1', 'E0714: line 1 of labels.csv has the label -1, but a class is an integer', {
      help: 'number the classes from 0, and leave out samples that have none',
    }),
    refuses(
      'pictures that are not there',
      'c.png 1\nx.png 0\ny.png 0',
      'line 2 of labels.csv names x.png, which is not',
    ),
    refuses(
      'a path out of the folder',
      '../x.png 1',
      'E0714: line 1 of labels.csv names ../x.png, which is outside of',
    ),
    refuses('UTF-16', Buffer.from('\uFEFFc.png 1\n', 'utf16le'), 'E0714: labels.csv is not a text in UTF-8'),
  ],
  others: [
    ...['0: ant\n1: bee', '0 ant\n1 bee', 'ant,\nbee,', 'ant\nbee', '0\n1\n0'].map((lines) =>
      refuses(
        `classes alone: ${JSON.stringify(lines)}`,
        lines,
        `E0714: labels.csv names no pictures: it has lines such as \`${lines.split('\n')[0]}\``,
        {
          read: evaluated,
          help: /^a file of labels has a picture and the number of its class in each line, as in `cats\/1\.png 0`$/,
        },
      ),
    ),
    ...[
      ['numbered lines', '0: c.png 1\n1: d.png 0', 'names 0: c.png, which is not in photos'],
      ['rows of a table', '0,c.png,1\n1,d.png,0', 'names 0,c.png, which is not in photos'],
      ['a colon behind the picture', 'c.png: 1\nd.png: 0', 'names c.png:, which is not in photos'],
    ].map(([what = '', lines = '', message = '']) =>
      refuses(what, lines, `E0714: line 1 of labels.csv ${message}`, {
        help: 'write the picture and the number of its class alone, as in `c.png 1`',
      }),
    ),
    refuses('the same picture twice', 'c.png 1\n./c.png 2', 'names c.png for the second time, behind line 1'),
    reads('a byte-order mark and CRLF', '\uFEFFa b.png 1\r\nc.png 0\r\n'),
    reads('tabs', 'a b.png\t1\nc.png\t0'),
    reads('commas', 'a b.png,1\nc.png, 0\n'),
    reads('semicolons and quotes', '"a b.png";1\n"c.png";"0"'),
    reads('comments and blank lines', '# files\n\nc.png 0\n# more\na b.png\t1\r\n'),
    refuses('a word for a class', 'c.png,cat', "is not a file and the number of a class: 'cat' is no number"),
    refuses('a fraction for a class', 'c.png 1.5', 'E0714: line 1 of labels.csv is not a file and the number'),
    refuses('a line without a class', 'c.png 0\nd.png', 'E0714: line 2 of labels.csv is not a file and the number'),
    refuses('an absolute path', '/etc/x.png 1', 'E0714: line 1 of labels.csv names /etc/x.png, which is outside of'),
    refuses('a class beyond `classes`', 'c.png 1\nd.png 2', 'has the label 2, but classes are 0 to 1', {
      read: trainedOn({ ...spec, classes: 2 }),
    }),
    refuses('labels of which every one is ignored', 'c.png 7', 'E0714: every sample of the training split of photos', {
      read: trainedOn({ ...spec, ignore: 7 }),
    }),
  ],
};

const folders = Object.fromEntries(['ant', 'mouse', 'zebra'].map((name) => [`photos/${name}/1.png`, picture]));
const named = (what: string, text: string, becomes: OddCase['becomes'], overrides: DataOverrides = {}): OddCase => ({
  what,
  files: { ...folders, 'names.txt': text },
  read: trainedOn({ format: 'image-folder', path: 'photos', labels: 'names.txt' }, overrides),
  becomes,
});
const names = (what: string, text: string, becomes: OddCase['becomes'] = /^ant, mouse, zebra$/): OddCase => ({
  what,
  files: { 'names.txt': text },
  read: async (folder) => (await readNamesFile(join(folder, 'names.txt'))).join(', '),
  becomes,
});

export const namesFile: OddCases = {
  reader: 'names file',
  listed: [
    names('a byte-order mark, CRLF, blanks around names, blank lines', '\uFEFF ant \r\n\r\n\tmouse\r\n zebra\r\n'),
    {
      ...names(
        'numbers in front of the names',
        '0: ant\n1: mouse',
        'E0714: the lines of names.txt hold more than names',
      ),
      help: 'write the names alone, one a line: ant, mouse',
    },
    named('another order than that of the folders', 'zebra\nant\nmouse', /^3 pictures \(ant 1, mouse 1, zebra 1\)$/),
    {
      ...named('a name that is written otherwise', 'Ant\nmouse\nzebra', 'E0714: only photos has the class ant; only'),
      help: /^is it ant for Ant\? names are compared letter by letter/,
    },
    named('more names than scores', 'ant\nmouse\nowl\nzebra', 'E0714: the data has ant, mouse, owl, zebra; M gives 3', {
      scores: { model: 'M', classes: 3 },
    }),
  ],
  others: [
    names('a byte-order mark', '\uFEFFant\nmouse\nzebra\n'),
    names('blanks around names', ' ant\n\tmouse  \nzebra '),
    names('lines that end as on Windows', 'ant\r\nmouse\r\nzebra\r\n'),
    names('lines that end with a return alone', 'ant\rmouse\rzebra'),
    names('blank lines between', '\nant\n\n  \nmouse\n\nzebra\n\n\n'),
    names('nothing', '', 'E0714: names.txt names no classes'),
    names('blanks alone', '\uFEFF \r\n\t\n', 'E0714: names.txt names no classes'),
    named('a name without a folder', 'ant\nmouse\nowl\nzebra', '3 pictures (ant 1, mouse 1, owl 0, zebra 1)'),
  ],
};
