/** Pictures and masks by patterns: what has no other half, and masks of other sizes and values. */
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { DataSpec } from '../../../../runtime/train/recipe.ts';
import type { Sample } from '../../../../runtime/train/sample.ts';
import { flatPng, greyPng } from '../png.ts';
import { trainedOn, type Files, type OddCase, type OddCases } from './odd-case.ts';

/** Names of folders that a pattern would read otherwise. */
export const patternNames = ['run [1]', 'a{b}', 'what?', 'x*y', '[*]'];

const picture = flatPng(2, 2, [200, 200, 200]);
const mask = (...values: readonly number[]): Buffer => greyPng({ width: 2, height: values.length / 2, values });
/** Pictures in `i` with these masks in `m`. */
const masked = (...all: readonly (readonly number[])[]): Files =>
  Object.fromEntries(
    all.flatMap((values, at) => [
      [`i/${at}.png`, picture],
      [`m/${at}.png`, mask(...values)],
    ]),
  );
const two = masked([0, 1, 0, 0], [1, 1, 0, 0]);

const reading = (spec: Partial<DataSpec> = {}, check?: (samples: readonly Sample[]) => void) =>
  trainedOn(
    { format: 'image-mask-folder', images: 'i/*', masks: 'm/*', classes: 2, ...spec },
    { target: 'mask' },
    check,
  );
const of = (what: string, files: Files, becomes: OddCase['becomes'], more: Partial<OddCase> = {}): OddCase => ({
  what,
  files,
  read: reading(),
  becomes,
  ...more,
});

const whole = (count: number): RegExp => new RegExp(`^${count} pictures with masks$`);
const twoClasses = masked([0, 0, 255, 255], [0, 0, 0, 0]);
const ignored = [9, 9, 9, 9];

/** The files of `two` as a part, in folders such as `train` and `train-masks`. */
const part = (name: string): Files =>
  Object.fromEntries(
    Object.entries(two).map(([path, file]) => [path.replace(/^i/, name).replace(/^m/, `${name}-masks`), file]),
  );
const parts = { ...part('train'), ...part('valid') };
const beside = reading({ images: 'train/*', masks: 'train-masks/*', split: { seed: 0 } });

export const imageMaskFolder: OddCases = {
  reader: 'image-mask-folder',
  listed: [
    of(
      'files of other kinds that the patterns match',
      { ...two, 'i/Thumbs.db': '', 'm/notes.txt': '' },
      /^2 pictures with masks; left out: 1 \.db \(Thumbs\.db\), 1 \.txt \(notes\.txt\)$/,
    ),
    of(
      'a picture without a mask',
      { ...two, 'i/c.png': picture },
      'E0714: i/c.png has no mask: none of m/* is named c.png',
    ),
    of('two pictures of one name', { ...two, 'i/1.jpg': '' }, 'E0714: i/1.jpg and i/1.png have the same name'),
    of(
      'a mask of another size',
      { ...two, 'm/1.png': mask(0, 0, 0, 0, 0, 0) },
      'E0714: the mask m/1.png is 2x3, but its picture i/1.png is 2x2',
    ),
    of(
      'masks that are JPEG',
      { 'i/1.png': picture, 'm/1.jpg': '' },
      'E0714: no .png file matches m/* in .; it matches other files, as 1.jpg',
    ),
    of('masks of 0 and 255', twoClasses, 'E0714: pixel (0, 1) of m/0.png has the class 255, but classes are 0 to 1', {
      help: 'where these values stand for classes 0 to 1, write `mask_values = [0, 255]`',
    }),
    of(
      'folders with masks beside `train` and `train-masks`, one without',
      { ...parts, 'test/9.png': picture },
      '4 pictures with masks, 1 / 2 / 1 for train',
      { read: beside },
    ),
  ],
  others: [
    of(
      'masks of which every pixel is ignored',
      masked(ignored, ignored),
      'E0714: every pixel of the masks of the training split of i/* is 9, which is ignored',
      { read: reading({ ignore: 9 }) },
    ),
    of(
      'masks without a picture',
      { ...two, 'm/c.png': mask(0, 0), 'm/d.png': mask(0, 0) },
      'E0714: the mask m/c.png has no picture: none of i/* is named c; the same holds for m/d.png',
    ),
    of(
      'many pictures without a mask',
      { ...two, ...Object.fromEntries(Array.from({ length: 12 }, (_, at) => [`i/a${at + 10}.png`, picture])) },
      /^E0714: i\/a10\.png has no mask: .*; the same holds for i\/a11\.png, .*, i\/a19\.png, and 2 more$/,
    ),
    of(
      'a mask without a picture in a part',
      { ...parts, 'valid-masks/9.png': mask(0, 0) },
      'valid-masks/9.png has no',
      {
        read: beside,
      },
    ),
    of(
      'an archive',
      { ...two, 'data.zip': 'PK\x03\x04' },
      'file matches data.zip in .; it matches other files, as data',
      {
        read: reading({ images: 'data.zip' }),
        help: /data\.zip is a zip archive: unpack it, and name the folder that comes out$/,
      },
    ),
    of('a folder in an archive', { ...two, 'data.zip': 'PK\x03\x04' }, 'E0710: cannot read data.zip/i: data.zip is a', {
      read: reading({ images: 'data.zip/i/*' }),
      help: 'unpack it, and name the folder that comes out',
    }),
    of('no picture', { 'm/a.png': mask(0, 0) }, /^E0714: no \.jpg, .* or \.tif file matches i\/\* in \.$/),
    of('no mask', { 'i/a.png': picture }, /^E0714: no \.png file matches m\/\* in \.$/),
    of('`mask_values = [0, 255]`', twoClasses, whole(2), {
      read: reading({ maskValues: [0, 255] }, (samples) => {
        const values = samples.map(({ target }) => (target.kind === 'mask' ? target.mask.data.join() : ''));
        expect(values.sort()).toEqual(['0,0,0,0', '0,0,1,1']);
      }),
    }),
    of('255 beside two classes, of which the first mask lacks one', masked([0, 255, 0, 0], [0, 1, 255, 0]), 'E0714', {
      help: 'write `ignore = 255`',
    }),
    of('a value that is neither a class nor ignored', masked([0, 2, 0, 0]), 'classes are 0 to 1 and 255 is ignored', {
      read: reading({ ignore: 255 }),
    }),
    of(
      'ignored pixels alone in validation',
      masked(ignored, ignored),
      'the masks of the validation split of i/* is 9',
      {
        read: trainedOn(
          { format: 'image-mask-folder', images: 'i/*', masks: 'm/*', ignore: 9, split: { train: 0, val: 2, seed: 0 } },
          { target: 'mask', needsTraining: false },
        ),
      },
    ),
    of('one pixel that is not ignored', masked(ignored, [9, 9, 9, 0]), whole(2), { read: reading({ ignore: 9 }) }),
    of('a link to a folder around the pictures', two, whole(2), {
      prepare: (folder) => symlinkSync('..', join(folder, 'i/up')),
      read: reading({ images: 'i/**/*.png' }),
    }),
  ],
};
