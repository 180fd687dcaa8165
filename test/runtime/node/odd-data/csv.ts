/** Tables of numbers with a class in each row: headings, separators and words, and rows that are none. */
import { expect } from 'vitest';
import { labelOf, type Sample } from '../../../../runtime/train/sample.ts';
import { trainedOn, type OddCase, type OddCases } from './odd-case.ts';

const spec = { format: 'csv', path: 'x.csv' } as const;

/** What the samples of `text` are: their numbers and classes. */
const rows = (samples: readonly Sample[]) =>
  samples.map((sample) => [sample.input.kind === 'tensor' ? [...sample.input.values] : [], labelOf(sample)]);

const csv = (
  what: string,
  text: string | Uint8Array,
  becomes: OddCase['becomes'],
  help?: OddCase['help'],
  more: { readonly classes?: number; readonly labels?: string; readonly names?: string } = {},
): OddCase => ({
  what,
  files: { 'x.csv': text, ...(more.names === undefined ? {} : { 'n.txt': more.names }) },
  read: trainedOn({
    ...spec,
    ...(more.classes === undefined ? {} : { classes: more.classes }),
    ...(more.names === undefined ? {} : { labels: 'n.txt' }),
  }),
  becomes,
  ...(help === undefined ? {} : { help }),
});

const read = (what: string, text: string, becomes: OddCase['becomes'], wanted: ReturnType<typeof rows>): OddCase => ({
  what,
  files: { 'x.csv': text },
  read: trainedOn(spec, {}, (samples) => expect(rows(samples)).toEqual(wanted)),
  becomes,
});

export const csvFiles: OddCases = {
  reader: 'csv',
  listed: [
    read('numbers alone: the last column has the classes', '1,2,0\n3,4.5,1\n', /^2 samples \(2 classes of 1\)$/, [
      [[1, 2], 0],
      [[3, 4.5], 1],
    ]),
    read(
      'a heading, a class in front that it names, words for classes',
      'Class,a,b\nowl,1,2\nant,3,4\nowl,5,6\n',
      /^3 samples \(ant 1, owl 2\)$/,
      [
        [[1, 2], 1],
        [[3, 4], 0],
        [[5, 6], 1],
      ],
    ),
    read(
      'semicolons, quotes, blank lines, CRLF and a byte-order mark',
      '\uFEFF"a;1";b\r\n-1e3;"x ""y"" z"\r\n\r\n +.5 ; w \r\n',
      /^2 samples \(w 1, x "y" z 1\)$/,
      [
        [[-1000], 1],
        [[0.5], 0],
      ],
    ),
    csv(
      'a word in place of a number',
      '1,2,0\n3,x,1\n',
      "E0714: line 2 of x.csv has 'x' in column 2, which is no number",
      'called `label`',
    ),
    csv(
      'a row with a value too many',
      'a,b,label\n1,2,0\n3,4,5,1\n',
      'E0714: line 3 of x.csv has 4 values, but the first row has 3',
      'all columns',
    ),
    csv(
      'a value that is missing',
      'a,b,label\n1,,0\n',
      'E0714: line 2 of x.csv has no value in the column b',
      'leave the row out',
    ),
    csv('a decimal comma', '1;2,5;0\n', "E0714: line 1 of x.csv has '2,5' in column 2", 'a decimal point'),
    csv(
      'the numbers of rows, as pandas saves them',
      ',a,label\n0,2.5,1\n',
      'E0714: line 1 of x.csv is a heading without a name for column 1',
      '`index=False`',
    ),
    csv(
      'a class beyond those there are',
      '1,2,0\n3,4,2\n',
      'E0714: line 2 of x.csv has the label 2, but classes are 0 to 1',
      'number the classes from 0',
      { classes: 2 },
    ),
  ],
  others: [
    csv('a class that is missing', '1,2,0\n3,4,\n', 'E0714: line 2 of x.csv has no class'),
    csv('infinity', '1,2,0\n3,inf,1\n', "E0714: line 2 of x.csv has 'inf' in column 2"),
    csv(
      'a number beyond float32',
      '1,2,0\n3,1e39,1\n',
      "E0714: line 2 of x.csv has '1e39' in column 2, which is no number of float32",
    ),
    csv('a quote that is not closed', '1,2,0\n3,"4,1\n', 'E0714: line 2 of x.csv has a quote that is not closed'),
    csv('a single column', '1\n2\n', 'E0714: line 1 of x.csv has one value'),
    csv('nothing', '\n\n', 'E0714: x.csv has no rows'),
    csv('a heading alone', 'a,b,label\n', 'E0714: x.csv has no samples'),
    csv('bytes that are no text', Uint8Array.of(0x31, 0xff), 'E0714: x.csv is not a text in UTF-8'),
    csv(
      'more words than classes',
      '1,a\n2,b\n3,c\n',
      'E0714: x.csv has 3 classes (a, b, c), but `classes` is 2',
      undefined,
      { classes: 2 },
    ),
    csv('words in the order of a file of names', '1,b\n2,a\n', /^2 samples \(b 1, a 1\)$/, undefined, {
      names: 'b\na\n',
    }),
    csv(
      'a word that a file of names has not',
      '1,b\n2,c\n',
      'E0714: line 2 of x.csv has the class c, which the file of names has not',
      'the names are',
      { names: 'b\na\n' },
    ),
    read('columns that the heading numbers', '0\t1\tlabel\n5\t6\t1\n7\t8\t0\n', /^2 samples/, [
      [[5, 6], 1],
      [[7, 8], 0],
    ]),
  ],
};
