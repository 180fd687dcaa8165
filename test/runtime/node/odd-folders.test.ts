/** Folders as people have them: links, subfolders, files of other kinds, names of every sort. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { accountLine, measuredLine } from '../../../runtime/node/data-account.ts';
import { leftOutText } from '../../../runtime/node/datasets/account.ts';
import { openDataset } from '../../../runtime/node/datasets/open-dataset.ts';
import { openFile, readBytes } from '../../../runtime/node/file-access.ts';
import type { DatasetFormat, DatasetOptions } from '../../../runtime/node/datasets/dataset.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { DataOverrides } from '../../../runtime/node/training-data.ts';
import type { DataSpec } from '../../../runtime/train/recipe.ts';
import { faultOfAsync } from '../fault.ts';
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
  it('follows links, and stops where one leads back', async () => {
    const folder = temporaryFolder({ 'd/b/1.png': picture(), 'other/2.png': picture(), 'other/in/3.png': picture() });
    symlinkSync('../other', join(folder, 'd/a'));
    symlinkSync('../../other/2.png', join(folder, 'd/b/linked.png'));
    symlinkSync('..', join(folder, 'd/b/up'));
    symlinkSync('nowhere', join(folder, 'd/b/gone.png'));
    const dataset = await open('image-folder', join(folder, 'd'));
    expect(dataset.classNames).toEqual(['a', 'b']);
    expect(filesOf(dataset, join(folder, 'd'))).toEqual(
      expect.arrayContaining(['a/2.png', 'a/in/3.png', 'b/linked.png']),
    );
    expect(leftOutText(dataset.leftOut)).toContain('1 broken link (b/gone.png)');
    expect(leftOutText(dataset.leftOut)).toContain('link back');
  });

  it.skipIf(process.platform === 'win32')('leaves out pipes, which nobody may ever write to', async () => {
    const folder = temporaryFolder({ 'd/a/1.png': picture(), 'd/b/2.png': picture() });
    for (const name of ['d/a/0.png', 'd/pipe']) execFileSync('mkfifo', [join(folder, name)]);
    symlinkSync('../pipe', join(folder, 'd/b/1.png'));
    const dataset = await open('image-folder', join(folder, 'd'));
    expect(filesOf(dataset, join(folder, 'd'))).toEqual(['a/1.png', 'b/2.png']);
    expect(leftOutText(dataset.leftOut)).toBe('3 pipe or device (a/0.png, ...)');
    const refused = /^E0710: cannot read .*pipe: it is a pipe or a device, not a file$/;
    expect(await faultOfAsync(() => openFile(join(folder, 'd/pipe')))).toMatch(refused);
    expect(await faultOfAsync(() => readBytes(join(folder, 'd/pipe')))).toMatch(refused);
  });

  it.skipIf(process.platform === 'win32')(
    'is refused where the name of a class is more than one line of text',
    async () => {
      for (const name of ['a\nb', 'a\tb', '\u001b[31ma']) {
        const folder = temporaryFolder({ 'd/ant/1.png': picture(), [`d/${name}/2.png`]: picture() });
        const fault = await faultOfAsync(() => openDataset('image-folder', join(folder, 'd')));
        expect(fault).toContain(`E0714: the data has a class called ${JSON.stringify(name)}, with line breaks, tabs`);
      }
    },
  );

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

  it('takes one name in two spellings for one', async () => {
    const folder = temporaryFolder({ 'cafe\u0301/1.png': picture(), 'x/1.png': picture() });
    expect((await open('image-folder', folder)).classNames).toEqual(['caf\u00e9', 'x']);
    const both = temporaryFolder({ 'cafe\u0301/1.png': picture(), 'caf\u00e9/1.png': picture() });
    expect(await faultOfAsync(() => open('image-folder', both))).toContain('two folders called caf\u00e9');
  });

  it('counts what it leaves out, each kind once', async () => {
    const folder = temporaryFolder({
      'a/1.png': picture(),
      'a/n.txt': '',
      'a/in/m.TXT': '',
      'a/Thumbs.db': '',
      'a/._1.png': '',
      'a/README': '',
      'a/old.bmp': '',
      '.git/x': '',
      '__MACOSX/a/1.png': '',
      'b/1.png': picture(),
      'notes.txt': '',
      'stray.png': picture(),
    });
    const dataset = await open('image-folder', folder);
    expect([dataset.size, dataset.classNames]).toEqual([2, ['a', 'b']]);
    const counts = Object.fromEntries(dataset.leftOut.map(({ reason, count }) => [reason, count]));
    expect(counts).toEqual({
      hidden: 3,
      '.txt': 3,
      '.db': 1,
      'without an ending': 1,
      '.bmp': 1,
      'in no class folder': 1,
    });
  });

  it('keeps a class whose folder is empty, so that the others do not shift', async () => {
    const folder = temporaryFolder({ 'a/1.png': picture(), 'b/n.txt': '', 'c/1.png': picture() });
    const dataset = await open('image-folder', folder);
    expect([dataset.classNames, await dataset.labels?.()]).toEqual([
      ['a', 'b', 'c'],
      [0, 2],
    ]);
  });

  it.each<[string, Record<string, Buffer | string>, string]>([
    [
      'of pictures of other formats alone',
      { 'a/1.png': picture(), 'b/1.bmp': '', 'b/2.bmp': '' },
      'has 2 pictures, none of',
    ],
    ['without class folders', { 'x.png': picture() }, 'has no class folders with'],
    [
      'of parts, of which none is named',
      { 'train/a/1.png': picture(), 'Validation/a/1.png': picture() },
      'holds the parts',
    ],
    [
      'with two parts that could be one',
      { 'train/a/1.png': '', 'val/a/1.png': '', 'valid/a/1.png': '' },
      'has val and valid',
    ],
  ])('%s is refused', async (_, files, message) => {
    const fault = await faultOfAsync(() => open('image-folder', temporaryFolder(files)));
    expect(fault).toMatch(/^E0714: /);
    expect(fault).toContain(message);
  });

  it('may be parts under any of their names', async () => {
    const folder = temporaryFolder({
      'Training/a/1.png': picture(),
      'Training/b/1.png': picture(),
      'validation/a/2.png': picture(),
      'validation/b/2.png': picture(),
      'unlabelled/3.png': picture(),
    });
    const { account } = await train({ format: 'image-folder', path: '.' }, folder);
    expect(account.parts).toEqual({ train: 1, val: 2, test: 1 });
    expect(accountLine(account)).toMatch(
      /^4 pictures \(a 2, b 2\), 1 \/ 2 \/ 1 for train \/ val \/ test .*left out: 1 folder beside the parts \(unlabelled\)$/,
    );
  });
});

describe('a file of labels', () => {
  const pictures = { 'p/a b.png': picture(), 'p/c.png': picture(), 'p/d.png': picture(), 'p/in/e.png': picture() };

  it.each<[string, string]>([
    ['a byte-order mark and CRLF', '\uFEFFa b.png 1\r\nc.png 0\r\n'],
    ['tabs', 'a b.png\t1\nc.png\t0'],
    ['commas', 'a b.png,1\nc.png, 0\n'],
    ['semicolons and quotes', '"a b.png";1\n"c.png";"0"'],
    ['a comment for its heading', '# file,label\na b.png,1\nc.png,0'],
  ])('may have %s', async (_, lines) => {
    const folder = temporaryFolder({ ...pictures, 'l.csv': lines });
    const dataset = await open('image-folder', join(folder, 'p'), { labels: join(folder, 'l.csv') });
    expect([filesOf(dataset, join(folder, 'p')), await dataset.labels?.()]).toEqual([
      ['a b.png', 'c.png'],
      [1, 0],
    ]);
    expect(leftOutText(dataset.leftOut)).toMatch(/^2 without a line in .*l\.csv \(d\.png, \.\.\.\)$/);
  });

  it.each<[string, string, string]>([
    ['a heading', 'filename,label\nc.png,1', "'label' is no number"],
    ['a word for a class', 'c.png,cat', "'cat' is no number"],
    ['a missing picture', 'c.png 1\nx.png 0\ny.png 0', 'line 2 of'],
    ['the same picture twice', 'c.png 1\nc.png 1', 'for the second time, behind line 1'],
  ])('with %s is refused', async (_, lines, message) => {
    const folder = temporaryFolder({ ...pictures, 'l.csv': lines });
    const fault = await faultOfAsync(() =>
      train({ format: 'image-folder', path: 'p', labels: join(folder, 'l.csv') }, folder),
    );
    expect(fault).toMatch(/^E0714: /);
    expect(fault).toContain(message);
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

describe('a folder in a standard layout', () => {
  it('of CIFAR-10 names what else lies there', async () => {
    const record = Buffer.alloc(3073);
    const folder = temporaryFolder({
      'data_batch_1.bin': record,
      'data_batch_2.bin': record,
      'data_batch_1 (copy).bin': record,
      'test_batch.bin': record,
      'readme.html': '',
      'batches.meta.txt': 'cat\ndog\n',
    });
    const { account } = await train({ format: 'cifar-binary', path: '.', split: { train: 2, seed: 0 } }, folder);
    expect(account.samples).toBe(3);
    expect(leftOutText(account.leftOut)).toBe('1 .bin (data_batch_1 (copy).bin), 1 .html (readme.html)');
  });

  it.each<[string, Record<string, Buffer>, string]>([
    ['of the Python version', { data_batch_1: Buffer.alloc(9) }, 'holds no data_batch_*.bin'],
    ['of CIFAR-100', { 'data_batch_1.bin': Buffer.alloc(3074) }, 'has 1 records of 3073 bytes and 1 bytes'],
    ['of an empty file', { 'data_batch_1.bin': Buffer.alloc(0) }, 'has 0 records'],
  ])('%s is refused', async (_, files, message) => {
    const fault = await faultOfAsync(() => train({ format: 'cifar-binary', path: '.' }, temporaryFolder(files)));
    expect(fault).toMatch(/^E0714: /);
    expect(fault).toContain(message);
  });

  it('of IDX files without a sample is refused', async () => {
    const header = (magic: number, ...sizes: number[]) => {
      const file = Buffer.alloc(4 + 4 * sizes.length);
      [magic, ...sizes].forEach((value, at) => file.writeUInt32BE(value, at * 4));
      return file;
    };
    const folder = temporaryFolder({
      't10k-images-idx3-ubyte': header(2051, 0, 4, 4),
      't10k-labels-idx1-ubyte': header(2049, 0),
    });
    expect(await faultOfAsync(() => open('idx', folder))).toMatch(/^E0714: .* has no samples$/);
  });
});

describe('before work starts', () => {
  const cut = picture().subarray(0, -20);

  it('broken pictures are found, and named up to ten', async () => {
    const names = Array.from({ length: 12 }, (_, at) => `a/${at + 10}.png`);
    const broken = Object.fromEntries(names.map((name) => [name, cut]));
    const folder = temporaryFolder({ ...broken, 'a/good.png': picture(), 'b/empty.jpg': '', 'b/good.png': picture() });
    const fault = await faultOfAsync(() => train({ format: 'image-folder', path: '.' }, folder));
    expect(fault).toMatch(/^E0713: 13 of 15 pictures cannot be decoded: .*a\/10\.png \(.*\).*, and 3 more$/);
  });

  it('a picture with bytes behind its end, or another ending, is as good as any', async () => {
    const folder = temporaryFolder({ 'a/1.jpg': picture(), 'a/2.png': Buffer.concat([picture(), Buffer.alloc(99)]) });
    const data = await train({ format: 'image-folder', path: '.', split: { train: 2, seed: 0 } }, folder);
    expect(data.train?.size).toBe(2);
  });

  const mask = (values: readonly number[]) => greyPng({ width: 2, height: 2, values });
  const grey = (values: readonly number[]) => greyPng({ width: 2, height: 2, values });
  const masks = (all: readonly (readonly number[])[]) =>
    Object.fromEntries(
      all.flatMap((values, at) => [
        [`i/${at}.png`, grey([1, 2, 3, 4])],
        [`m/${at}.png`, mask(values)],
      ]),
    );
  const openMasks = async (all: readonly (readonly number[])[], spec: Partial<DataSpec> = {}, needsTraining = true) => {
    const folder = temporaryFolder(masks(all));
    const common = { format: 'image-mask-folder', images: 'i/*', masks: 'm/*' } as const;
    const split = { train: all.length, seed: 0 };
    return train({ ...common, split, ...spec }, folder, { target: 'mask', needsTraining });
  };
  const helpOf = async (action: () => Promise<unknown>): Promise<unknown> =>
    action().then(
      () => undefined,
      (error: unknown) => (error as { help?: string }).help,
    );

  it('masks of 0 and 255 are two classes once that is written, and nothing else is proposed', async () => {
    const all = [
      [0, 0, 255, 255],
      [0, 0, 0, 0],
    ];
    const help = await helpOf(() => openMasks(all, { classes: 2 }));
    expect(help).toBe('where these values stand for classes 0 to 1, write `mask_values = [0, 255]`');
    const data = await openMasks(all, { classes: 2, maskValues: [0, 255] });
    const { target } = (await data.train?.read(0)) ?? {};
    expect(target?.kind === 'mask' && [...target.mask.data]).toEqual([0, 0, 1, 1]);
  });

  it('255 beside two classes is proposed to be ignored, though the first mask lacks one of them', async () => {
    const help = await helpOf(() =>
      openMasks(
        [
          [0, 255, 0, 0],
          [0, 1, 255, 0],
        ],
        { classes: 2 },
      ),
    );
    expect(help).toContain('write `ignore = 255`');
  });

  it.each<[string, DataSpec['split']]>([
    ['training', { train: 2, seed: 0 }],
    ['validation', { train: 0, val: 2, seed: 0 }],
  ])('a %s split of which every pixel is ignored is refused', async (part, split) => {
    const nothing = [9, 9, 9, 9];
    const fault = await faultOfAsync(() => openMasks([nothing, nothing], { classes: 2, ignore: 9, split }, false));
    expect(fault).toMatch(
      new RegExp(`^E0714: every pixel of the masks of the ${part} split of .* is 9, which is ignored$`),
    );
    // One pixel is enough.
    const data = await openMasks([nothing, [9, 9, 9, 0]], { classes: 2, ignore: 9, split }, false);
    expect(data.account.samples).toBe(2);
  });

  it('so are labels of which every one is ignored', async () => {
    const folder = temporaryFolder({ 'a/1.png': picture(), 'b/1.png': picture() });
    const spec = { format: 'image-folder', path: 'a', labels: join(folder, 'l.txt'), ignore: 7 } as const;
    writeFileSync(join(folder, 'l.txt'), '1.png 7');
    const fault = await faultOfAsync(() => train({ ...spec, split: { train: 1, seed: 0 } }, folder));
    expect(fault).toMatch(/^E0714: every sample of the training split of .* is 7, which is ignored$/);
  });
});

describe('paths that look like patterns', () => {
  it.each(['run [1]', 'a{b}', 'what?', 'x*y', '[*]'])('are the paths of a folder called %s', async (name) => {
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
