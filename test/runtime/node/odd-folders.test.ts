/** Folders as people have them: the order of their files, parts that nothing is left for, names like patterns. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { accountLine, measuredLine } from '../../../runtime/node/data-account.ts';
import { openDataset } from '../../../runtime/node/datasets/open-dataset.ts';
import { openFile, readBytes } from '../../../runtime/node/file-access.ts';
import type { DatasetFormat, DatasetOptions } from '../../../runtime/node/datasets/dataset.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { DataOverrides } from '../../../runtime/node/training-data.ts';
import type { DataSpec } from '../../../runtime/train/recipe.ts';
import { faultOfAsync } from '../fault.ts';
import { patternNames } from './odd-data/image-mask-folder.ts';
import { flatPng, greyPng } from './png.ts';
import { temporaryFolder } from './temporary-folder.ts';

const picture = (value = 1): Buffer => flatPng(1, 1, [value, value, value]);

async function open(format: DatasetFormat, path: string, options: DatasetOptions = {}) {
  const dataset = await openDataset(format, path, options);
  onTestFinished(() => dataset.close());
  return dataset;
}

async function train(spec: Partial<DataSpec> & Pick<DataSpec, 'format'>, folder: string, overrides?: DataOverrides) {
  const data = await openTrainingData({ name: 'd', split: { seed: 0 }, ...spec }, folder, overrides);
  onTestFinished(() => data.close());
  return data;
}

/** Names of the files that the samples come from, below the folder. */
const filesOf = (dataset: Awaited<ReturnType<typeof open>>, folder: string) =>
  Array.from({ length: dataset.size }, (_, index) => dataset.filesOf?.(index)[0]?.slice(folder.length + 1));

describe('a folder of classes', () => {
  it('has the pictures further down in the order of torchvision', async () => {
    // os.walk sorts by the whole path of a folder: `x-y` stands in front of `x/y`.
    const names = ['c/z.png', 'c/x/2.png', 'c/x/y/1.png', 'c/x-y/3.png', 'c/x/a.png', 'B/1.jpg', 'a/1.PNG'];
    const folder = temporaryFolder(Object.fromEntries(names.map((name) => [name, picture()])));
    const dataset = await open('image-folder', folder);
    expect(dataset.classNames).toEqual(['B', 'a', 'c']);
    // As `sorted(os.walk(...))` of Python has them.
    expect(filesOf(dataset, folder)).toEqual([
      'B/1.jpg',
      'a/1.PNG',
      'c/z.png',
      'c/x/2.png',
      'c/x/a.png',
      'c/x-y/3.png',
      'c/x/y/1.png',
    ]);
  });

  it('sorts names as Python does, by code points', async () => {
    // U+1F41C is two units, of which the first is less than U+FF21.
    const [ant, wide] = ['\u{1F41C}', '\uFF21'];
    const folder = temporaryFolder({ [`${ant}/1.png`]: picture(), [`${wide}/1.png`]: picture(), 'e/1.png': picture() });
    expect((await open('image-folder', folder)).classNames).toEqual(['e', wide, ant]);
    expect([ant, wide].toSorted()).toEqual([ant, wide]);
  });
});

describe('a split that leaves nothing for training', () => {
  it.each([{ test: 10 }, { train: 0, test: 10 }, { test: { share: 1 } }])(
    '%j is for measuring alone',
    async (split) => {
      const spec = { format: 'synthetic', samples: 10, size: 8, classes: 2, split: { ...split, seed: 0 } } as const;
      const data = await train(spec, '.', { needsTraining: false });
      expect([data.train, data.val, data.test?.size]).toEqual([undefined, undefined, 10]);
      expect(await faultOfAsync(() => train(spec, '.'))).toMatch(
        /^E0719: the synthetic data leaves no samples for training \(test = 10\)$/,
      );
    },
  );

  it('and samples in no part are said', async () => {
    const spec = { format: 'synthetic', samples: 10, size: 8, classes: 2 } as const;
    const { account } = await train({ ...spec, split: { train: { share: 0.5 }, val: 2, seed: 0 } }, '.');
    expect(accountLine(account)).toBe(
      '10 generated pictures (circle 5, square 5), 5 / 2 / 0 for train / val / test; 3 in no part',
    );
    const tenths = await train(spec, '.');
    expect(accountLine(tenths.account)).toContain(
      '8 / 1 / 1 for train / val / test (no split is written: a tenth for val and a tenth for test)',
    );
    expect(measuredLine(tenths.account, 'test')).toBe(
      'the test part, 1 of 10 generated pictures: no split is written, so that a tenth is its part',
    );
  });
});

describe('paths that look like patterns', () => {
  it.each(patternNames)('are the paths of a folder called %s', async (name) => {
    const root = temporaryFolder();
    const folder = join(root, name);
    mkdirSync(join(folder, 'i'), { recursive: true });
    mkdirSync(join(folder, 'm'));
    writeFileSync(join(folder, 'i/1.png'), picture());
    writeFileSync(join(folder, 'm/1.png'), greyPng({ width: 1, height: 1, values: [0] }));
    const spec = { format: 'image-mask-folder', split: { train: 1, seed: 0 } } as const;
    for (const [images, masks] of [
      ['i/*.png', 'm/*'],
      ['i', 'm'],
      ['i/1.png', 'm/1.png'],
    ]) {
      const pattern = (text = '') => ({ folder, pattern: text });
      const data = await train({ ...spec, images: pattern(images), masks: pattern(masks) }, '/', { target: 'mask' });
      expect(data.train?.size).toBe(1);
    }
    // The name itself in a pattern: literally, where something is called so.
    const named = (text: string) => ({ folder: root, pattern: `${name}/${text}` });
    const data = await train({ ...spec, images: named('i'), masks: named('m') }, '/', { target: 'mask' });
    expect(data.train?.size).toBe(1);
    rmSync(root, { recursive: true });
  });
});

it.skipIf(process.platform === 'win32')('a pipe, which nobody may ever write to, is refused as a file', async () => {
  const folder = temporaryFolder();
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const refused = /^E0710: cannot read .*pipe: it is a pipe or a device, not a file$/;
  expect(await faultOfAsync(() => openFile(join(folder, 'pipe')))).toMatch(refused);
  expect(await faultOfAsync(() => readBytes(join(folder, 'pipe')))).toMatch(refused);
});
