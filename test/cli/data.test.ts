/** `cnnc data`: counts, figures and every broken sample. */
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { flatPng, greyPng } from '../runtime/node/png.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { cnnc, eventsOf } from './cnnc.ts';

const colour = (rgb: readonly [number, number, number], side = 2): Buffer => flatPng(side, side, rgb);

/** The chunk of pixels is damaged; head and tail are whole. */
function damaged(): Buffer {
  const file = colour([1, 2, 3], 20);
  const at = file.indexOf('IDAT') + 8;
  return Buffer.concat([file.subarray(0, at), file.subarray(at).map((byte, index) => (index < 4 ? byte ^ 255 : byte))]);
}

describe('a folder of pictures', () => {
  const folder = () =>
    temporaryFolder({
      'd/a/1.png': colour([255, 0, 0]),
      'd/a/2.png': colour([255, 0, 0], 4),
      'd/b/1.png': colour([0, 0, 51]),
      'd/b/notes.txt': '',
    });
  const source = 'dataset shapes { format = "image-folder"  path = "d"  split { train = 3 } }\n';

  it('is counted, and its channels are measured over all pixels', async () => {
    const at = folder();
    writeFileSync(join(at, 'm.cnn'), source);
    const ran = await cnnc('data', join(at, 'm.cnn'), '--json');
    expect(ran.code).toBe(0);
    expect(ran.err).toContain(
      'data: 3 pictures (a 2, b 1), 3 / 0 / 0 for train / val / test; left out: 1 .txt (b/notes.txt)',
    );
    const part = eventsOf(ran).find(({ kind }) => kind === 'part');
    // Of 24 pixels 20 are red, and 4 have a fifth of blue.
    const std = (share: number, value: number) => Math.sqrt(share * (1 - share)) * value;
    expect(part).toMatchObject({ name: 'train', samples: 3, least: '2x2', most: '4x4' });
    expect(part?.['mean']).toEqual([5 / 6, 0, 1 / 30].map((value) => expect.closeTo(value, 10)));
    expect(part?.['std']).toEqual([std(5 / 6, 1), 0, std(1 / 6, 0.2)].map((value) => expect.closeTo(value, 10)));
    const text = await cnnc('data', join(at, 'm.cnn:shapes'));
    expect(text.out).toContain('normalize(mean=[0.8333, 0, 0.03333], std=[0.3727, 0, 0.07454])');
    expect(text.out).toContain('3 samples decoded, none broken');
  });

  it('with broken pictures has every one of them listed', async () => {
    const at = folder();
    writeFileSync(join(at, 'd/a/3.png'), damaged());
    writeFileSync(join(at, 'd/b/4.jpg'), '');
    const ran = await cnnc('data', `image-folder:${join(at, 'd')}`);
    expect(ran).toMatchObject({
      code: 3,
      err: expect.stringContaining('error[E0713]: 2 of 5 pictures cannot be decoded'),
    });
    expect(ran.out.match(/^broken: .*$/gm)?.toSorted()).toEqual([
      expect.stringContaining('a/3.png: '),
      expect.stringContaining('b/4.jpg: '),
    ]);
  });

  it.each([
    ['none.cnn:d', 3, 'error[E0710]'],
    ['zip:x', 2, 'does not name a dataset'],
    ['m.cnn:other', 2, 'it has shapes'],
  ])('%s is refused', async (target, code, message) => {
    const at = folder();
    writeFileSync(join(at, 'm.cnn'), source);
    const given = target.startsWith('zip') ? target : join(at, target);
    expect(await cnnc('data', given)).toMatchObject({ code, err: expect.stringContaining(message) });
  });
});

it('masks are counted by pixels of each class', async () => {
  const at = temporaryFolder({
    'i/1.png': colour([1, 1, 1]),
    'm/1.png': greyPng({ width: 2, height: 2, values: [0, 255, 255, 255] }),
    'm.cnn':
      'dataset d { format = "image-mask-folder"  images = "i"  masks = "m"  mask_values = [0, 255]  split { test = 1 } }\n',
  });
  const ran = await cnnc('data', join(at, 'm.cnn'), '--json');
  const part = eventsOf(ran).find(({ kind }) => kind === 'part');
  expect(part).toMatchObject({
    name: 'test',
    labels: [
      { label: 0, pixels: 1, samples: 1 },
      { label: 1, pixels: 3, samples: 1 },
    ],
  });
});
