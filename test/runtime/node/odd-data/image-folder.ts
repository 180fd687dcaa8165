/** Folders of pictures as people have them: links, subfolders, files of other kinds, names of every sort, parts. */
import { execFileSync } from 'node:child_process';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect } from 'vitest';
import { openDataset } from '../../../../runtime/node/datasets/open-dataset.ts';
import { labelOf } from '../../../../runtime/train/sample.ts';
import { flatPng } from '../png.ts';
import { trainedOn, type Files, type OddCase, type OddCases } from './odd-case.ts';

const picture = flatPng(1, 1, [1, 1, 1]);
const cut = picture.subarray(0, -20);

/** The pictures by their paths below `photos`. */
const photos = (...names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [`photos/${name}`, picture]));
const plain = photos('a/1.png', 'b/1.png');

const spec = { format: 'image-folder', path: 'photos' } as const;
const folders = trainedOn(spec);
const parts = trainedOn({ ...spec, split: { seed: 0 } });
const of = (what: string, files: Files, becomes: OddCase['becomes'], more: Partial<OddCase> = {}): OddCase => ({
  what,
  files,
  read: folders,
  becomes,
  ...more,
});

const bytesOf = (text: string): Buffer => Buffer.from(text, 'latin1');
const zipBytes = bytesOf('PK\x03\x04\x14\0');
/** As their formats begin. */
const archives: readonly (readonly [string, Buffer])[] = [
  ['a tar archive', bytesOf(`${'a/1.png'.padEnd(257, '\0')}ustar\x0000`)],
  ['a gzip archive', gzipSync('tar')],
  ['a 7z archive', bytesOf("7z\xbc\xaf'\x1c\0\x04")],
  ['a rar archive', bytesOf('Rar!\x1a\x07\x01\0')],
  ['an xz archive', bytesOf('\xfd7zXZ\0\0')],
  ['a bzip2 archive', bytesOf('BZh91AY&SY')],
  ['a Zstandard archive', bytesOf('\x28\xb5\x2f\xfd\x04')],
];

/** What lies in folders of pictures and is none that counts. */
export const besidePictures = [
  'a/notes.txt',
  'a/in/MORE.TXT',
  'a/Thumbs.db',
  'a/._1.png',
  'a/.hidden/1.png',
  'a/README',
  'b/x.bmp',
  '.DS_Store',
  '.git/x.png',
  '__MACOSX/a/1.png',
  'readme.md',
  'stray.png',
];

/** As `cnnc eval --data image-folder:photos` does. */
async function evaluated(folder: string): Promise<string> {
  const dataset = await openDataset('image-folder', join(folder, 'photos'));
  await dataset.close();
  return `${dataset.size} pictures`;
}

const listed: readonly OddCase[] = [
  of(
    'links to pictures and to folders',
    { ...photos('b/1.png'), 'other/2.png': picture, 'other/in/3.png': picture },
    /^4 pictures \(a 2, b 2\)$/,
    {
      prepare(folder) {
        symlinkSync('../other', join(folder, 'photos/a'));
        symlinkSync('../../other/2.png', join(folder, 'photos/b/linked.png'));
      },
    },
  ),
  of('links that lead nowhere or back, pipes, devices', plain, '2 pictures (a 1, b 1); left out: 3 pipe or device', {
    prepare(folder) {
      symlinkSync('nowhere', join(folder, 'photos/b/gone.png'));
      symlinkSync('..', join(folder, 'photos/b/up'));
      for (const name of ['a/0.png', 'pipe']) execFileSync('mkfifo', [join(folder, 'photos', name)]);
      symlinkSync('../pipe', join(folder, 'photos/b/0.png'));
    },
  }),
  of(
    'hidden files, other kinds of files, pictures in no class folder',
    { ...plain, ...Object.fromEntries(besidePictures.map((name) => [`photos/${name}`, picture])) },
    /^2 pictures \(a 1, b 1\); left out: 5 hidden \(\.DS_Store, \.\.\.\), .*2 \.txt .*1 in no class folder \(stray\.png\)$/,
  ),
  of('a class folder without a picture', { ...photos('a/1.png', 'c/1.png'), 'photos/b/n.txt': '' }, /a 1, b 0, c 1/, {
    read: trainedOn(spec, {}, (samples) => expect(new Set(samples.map(labelOf))).toEqual(new Set([0, 2]))),
  }),
  of(
    'a class folder with pictures of other formats alone',
    { ...photos('a/1.png'), 'photos/b/1.bmp': '', 'photos/b/2.bmp': '' },
    'E0714: no picture in the class folder photos/b can be decoded, as 1.bmp (2 in all)',
  ),
  of('no class folders', photos('1.png'), 'E0714: photos has no class folders with'),
  of(
    'one name in the bytes of macOS and in those of others',
    photos('cafe\u0301/1.png', 'caf\u00e9/1.png'),
    'E0714: photos has two folders called caf\u00e9',
  ),
  of(
    'parts by any of their names, and a folder beside them',
    photos('Training/a/1.png', 'Training/b/1.png', 'validation/a/2.png', 'validation/b/2.png', 'unlabelled/3.png'),
    /^4 pictures \(a 2, b 2\), 1 \/ 2 \/ 1 for train .*left out: 1 folder beside the parts \(unlabelled\)$/,
    { read: parts },
  ),
  of(
    'a part with a class that the training part lacks',
    photos('train/a/1.png', 'train/b/1.png', 'test/a/1.png', 'test/owl/1.png'),
    'E0714: only the test part has the class owl; only the training part has b',
    { read: parts },
  ),
  of(
    'two folders that could be the same part',
    photos('train/a/1.png', 'val/a/1.png', 'valid/a/1.png'),
    'E0714: photos has val and valid: either could be meant',
    { read: parts },
  ),
  of(
    'a picture with another ending, one with bytes behind its end',
    { 'photos/a/1.jpg': picture, 'photos/b/2.png': Buffer.concat([picture, Buffer.alloc(99)]) },
    /^2 pictures \(a 1, b 1\)$/,
  ),
  of(
    'an archive in the place of the folder',
    { photos: zipBytes },
    'E0710: cannot read photos: it is a zip archive, not a folder',
    { help: 'unpack it, and name the folder that comes out' },
  ),
  of(
    'a picture that is cut, an empty file',
    { ...plain, 'photos/a/cut.png': cut, 'photos/b/empty.jpg': '' },
    /^E0713: 2 of 4 pictures cannot be decoded: photos\/a\/cut\.png \(.*\), photos\/b\/empty\.jpg \(/,
    { help: '`cnnc data` decodes every picture' },
  ),
];

const others: readonly OddCase[] = [
  of(
    'pictures in folders below',
    photos('a/1.png', 'a/x/2.png', 'a/x/y/3.png', 'b/1.png'),
    /^4 pictures \(a 3, b 1\)$/,
  ),
  of('a link to a folder around the data', photos('a/1.png', 'b/1.png'), /^2 pictures \(a 1, b 1\); .*link back/, {
    prepare: (folder) => symlinkSync('../..', join(folder, 'photos/a/top')),
  }),
  of('a class folder that is such a link', plain, /^2 pictures \(a 1, b 1, c 0\); left out: 1 link back \(c\)/, {
    prepare: (folder) => symlinkSync('..', join(folder, 'photos/c')),
  }),
  ...['a\nb', 'a\tb', '\u001b[31ma'].map((name) =>
    of(
      `a class folder called ${JSON.stringify(name)}`,
      photos('ant/1.png', `${name}/2.png`),
      `E0714: the data has a class called ${JSON.stringify(name)}, with line breaks, tabs`,
    ),
  ),
  of('class folders without a picture', { 'photos/a/notes.txt': '' }, 'or .tif pictures'),
  of('no folder', {}, 'E0710: cannot read photos: there is no such file or folder'),
  of('a file', { photos: picture }, 'E0710: cannot read photos: it is a PNG picture, not a folder'),
  ...archives.map(([name, bytes]) =>
    of(name, { photos: bytes }, `E0710: cannot read photos: it is ${name}, not a folder`, {
      help: 'unpack it, and name the folder that comes out',
    }),
  ),
  of('a folder in an archive', { 'photos.zip': zipBytes }, 'E0710: cannot read photos.zip/train: photos.zip is a zip', {
    read: trainedOn({ ...spec, path: 'photos.zip/train' }),
  }),
  of('the bytes of macOS alone', photos('cafe\u0301/1.png', 'x/1.png'), /^2 pictures \(caf\u00e9 1, x 1\)$/),
  of(
    'parts without training',
    photos('val/a/1.png', 'test/a/1.png'),
    'E0714: photos holds val and test, but no train',
    {
      read: parts,
    },
  ),
  of(
    'parts, of which none is named',
    photos('train/a/1.png', 'Validation/a/1.png'),
    'E0714: photos holds the parts train, Validation',
    { read: evaluated, help: /^name one, as in image-folder:.*photos\/Validation$/ },
  ),
  of(
    'more broken pictures than a line names',
    {
      ...photos('a/good.png', 'b/good.png'),
      ...Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`photos/a/${at + 10}.png`, cut])),
      'photos/b/empty.jpg': '',
    },
    /^E0713: 13 of 15 pictures cannot be decoded: .*a\/10\.png \(.*\).*, and 3 more$/,
  ),
];

export const imageFolder: OddCases = { reader: 'image-folder', listed, others };
