/** Data that no training gets through: what `check` and `train` say of it before anything runs, and `data` and `eval`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { describe, expect, it } from 'vitest';
import { greyPng, rawPng } from '../runtime/node/png.ts';
import { zip } from '../runtime/node/zip.ts';
import { cnnc, npy, plainPng, workshop, type Ran, type Workshop } from './cnnc.ts';

type Files = NonNullable<Parameters<typeof workshop>[0]>;

const model = (input = '3, 8, 8', classes = 2) =>
  `model M(x: f32[N, ${input}]) -> f32[N, ${classes}] { return x |> global_avg_pool |> flatten |> fc: linear(${classes}) }\n`;
const dataset = (format: string, path: string, more = '') =>
  `dataset d { format = "${format}"  path = "${path}"  ${more} }\n`;
const training = (more = '') =>
  `train base for M { data = d  epochs = 1  batch = 2  loss = cross_entropy()  optimizer = sgd(lr=0.1)  checkpoint { best = train.loss }  ${more} }\n`;
const all = 'split { train = 4 }';

const said = (shop: Workshop, { err }: Ran): string => err.replaceAll(`${shop.folder}/`, '');
const trained = (shop: Workshop) => cnnc('train', shop.at('m.cnn'), '-o', shop.at('runs'));

interface Fault {
  readonly code: string;
  readonly message: string;
  readonly help?: string;
}

/** `check` and `train` say the same, and nothing else, at the name of the data; nothing has run. */
async function refused(files: Files, { code, message, help }: Fault): Promise<Workshop> {
  const shop = workshop(files);
  const source = String(files['m.cnn']).split('\n');
  const line = source.findIndex((text) => text.startsWith('train'));
  const place = `m.cnn:${line + 1}:${(source[line]?.indexOf('= d ') ?? 0) + 3}`;
  const [checked, ran] = [await cnnc('check', shop.at('m.cnn')), await trained(shop)];
  for (const each of [checked, ran]) {
    const text = said(shop, each);
    expect(text).toContain(`error[${code}]: ${message}\n --> ${place}\n`);
    if (help !== undefined) expect(text).toContain(`help: ${help}\n`);
    expect(text.match(/^error\[/gm)).toHaveLength(1);
  }
  expect([checked.code, ran.code, ran.out, existsSync(shop.at('runs'))]).toEqual([1, 3, '', false]);
  return shop;
}

async function accepted(files: Files): Promise<void> {
  const shop = workshop(files);
  const checked = await cnnc('check', shop.at('m.cnn'));
  expect([checked.err, checked.code]).toEqual(['', 0]);
}

const pictures = (changed: Files = {}): Files => ({
  ...Object.fromEntries(['a/1', 'a/2', 'b/1', 'b/2'].map((name) => [`d/${name}.png`, plainPng([1, 2, 3], 8)])),
  ...changed,
});
const photo = (width: number, height: number) =>
  sharp({ create: { width, height, channels: 3, background: 'red' } })
    .jpeg()
    .toBuffer();

describe('pictures', () => {
  const source = dataset('image-folder', 'd', all);
  const steps = "`resize(8px)` and `center_crop(8px)` in the model's preprocess bring any picture to this size";
  const split = 'the training split of d';

  it('of several sizes are named: one that fits, and one that does not', async () => {
    const files = pictures({ 'd/b/2.jpg': await photo(12, 9) });
    delete (files as Record<string, unknown>)['d/b/2.png'];
    await refused(
      { ...files, 'm.cnn': model() + source + training() },
      {
        code: 'E0906',
        message: `d/b/2.jpg is 12x9, but the model's input is 8x8; d/a/1.png (8x8) fits; 1 of 4 pictures of ${split} do not`,
        help: steps,
      },
    );
    await accepted({
      ...files,
      'm.cnn': `${model()}${source}${training()}preprocess for M { resize(8px)  center_crop(8px) }\n`,
    });
    await accepted({ ...files, 'm.cnn': model() + source + training('augment { random_resized_crop(8px) }') });
  });

  it.each<[string, string, string, string]>([
    [
      'a model of one size',
      model('3, 16, 16') + source + training(),
      `d/a/1.png is 8x8, but the model's input is 16x16; none of 4 pictures of ${split} fits`,
      steps.replaceAll('8px', '16px'),
    ],
    [
      'a model at the sizes of its training',
      model('3, H, W') + source + training('shape = { H = 8  W = 12 }'),
      `d/a/1.png is 8x8, but the model's input is 12x8; none of 4 pictures of ${split} fits`,
      "`resize(12px, 8px)` in the model's preprocess brings any picture to this size",
    ],
    [
      'a random crop',
      model('3, 10, 10') + source + training('augment { random_crop(10px) }'),
      `random_crop(10px) is larger than d/a/1.png, which is 8x8; none of 4 pictures of ${split} fits`,
      'give random_crop a smaller size or a larger pad',
    ],
    [
      'evaluation, where nothing is cropped at random',
      model('3, 6, 6') +
        dataset('image-folder', 'd', 'split { train = 3  val = 1  seed = 3 }') +
        training('augment { random_crop(6px) }'),
      "d/a/2.png is 8x8, but the model's input is 6x6",
      steps.replaceAll('8px', '6px'),
    ],
    [
      'a model of four channels',
      model('4, 8, 8') + source + training(),
      `${split} has images, of 1 or 3 channels, but the model's input has 4`,
      '',
    ],
  ])('that do not fit %s are refused', async (_, text, message, help) => {
    const fault = { code: 'E0906', message, ...(help === '' ? {} : { help }) };
    await refused(pictures({ 'm.cnn': text }), fault);
  });

  it('of colour become grey, and grey ones colour', async () => {
    await accepted(pictures({ 'm.cnn': model('1, 8, 8') + source + training() }));
    const grey = greyPng({ width: 8, height: 8, values: Array<number>(64).fill(7) });
    await accepted(pictures({ 'm.cnn': model() + source + training(), 'd/a/1.png': grey }));
  });

  it.each<[string, () => Uint8Array, string]>([
    ['empty', () => new Uint8Array(), 'it is an empty file; PNG, JPEG, WebP, AVIF, GIF and TIFF pictures can be read'],
    [
      'too large',
      () => rawPng({ width: 9000, height: 9000, depth: 8, colour: 0 }, new Uint8Array()),
      'it is 9000x9000, more than 64 megapixels',
    ],
    [
      'of other numbers than bytes',
      () => readFileSync('test/golden/pictures/floats.tif'),
      'its values are of type float; pictures have 8 or 16 bits without a sign, other numbers fit .npy',
    ],
  ])('that are %s are refused', async (_, make, message) => {
    await refused(pictures({ 'm.cnn': model() + source + training(), 'd/a/2.png': make() }), {
      code: 'E0713',
      message: `1 of 4 pictures cannot be decoded: d/a/2.png (${message})`,
    });
  });

  it('that are elsewhere, or only in part here, are not asked for by check', async () => {
    await accepted({ 'm.cnn': model() + source + training() });
    await accepted({ 'm.cnn': model() + source + training(), 'd/.gitkeep': '' });
    const listed = dataset('image-folder', 'd', `labels = "l.txt"  ${all}`);
    await accepted(pictures({ 'm.cnn': model() + listed + training() }));
  });

  it('that do not fit an artifact are named before eval measures', async () => {
    const shop = workshop({
      ...pictures(),
      'd/b/2.png': plainPng([1, 2, 3], 9),
      'm.cnn': model() + source + training(),
    });
    const artifact = shop.at('out');
    expect((await cnnc('build', shop.at('m.cnn'), '--weights', 'random', '-o', artifact)).code).toBe(0);
    const ran = await cnnc('eval', artifact, '--data', `image-folder:${shop.at('d')}`);
    expect(said(shop, ran)).toContain(
      "error[E0906]: d/b/2.png is 9x9, but the model's input is 8x8; d/a/1.png (8x8) fits; 1 of 4 pictures of d do not\n",
    );
    expect([ran.code, ran.out]).toEqual([3, '']);
  });
});

const floats = (count: number, bad: Readonly<Record<number, number>> = {}) =>
  Array.from({ length: count }, (_, at) => bad[at] ?? at / count);
const entry = (name: string, bytes: Uint8Array) => ({ name: `${name}.npy`, bytes });
const labels = (values: readonly number[]) => npy(values, [values.length]);

describe('arrays', () => {
  const source = model('2, 2, 2') + dataset('npz', 'd.npz', all) + training();
  const archive = (images: readonly number[], targets: Uint8Array = labels([0, 1, 0, 1])) =>
    zip([entry('images', npy(images, [4, 2, 2, 2])), entry('labels', targets)]);
  const help = 'leave the sample out, or replace what is not finite: `np.nan_to_num(images)`';

  it.each([
    [Number.NaN, 'NaN'],
    [Infinity, 'Infinity'],
    [-Infinity, '-Infinity'],
  ])('that hold %s are refused by file, array and sample', async (value, text) => {
    const message = `sample 2 of images of d.npz has the value ${text} at element 5`;
    const files = { 'm.cnn': source, 'd.npz': archive(floats(32, { 21: value })) };
    const shop = await refused(files, { code: 'E0714', message, help });
    const ran = await cnnc('data', shop.at('m.cnn'));
    expect(said(shop, ran)).toContain(`error[E0714]: ${message}\nhelp: ${help}\n`);
    expect(ran.out.replaceAll(`${shop.folder}/`, '')).toContain(
      `broken: sample 2 of images of d.npz has the value ${text} at element 5\n`,
    );
    expect(ran.code).toBe(3);
  });

  it('of npy files are read through as well, and all samples are told', async () => {
    const text =
      model('2, 2, 2') + dataset('npy', 'i.npy', `labels = "l.npy"  split { train = 3  val = 1 }`) + training();
    const files = { 'm.cnn': text, 'i.npy': npy(floats(32, { 0: NaN, 31: Infinity }), [4, 2, 2, 2]) };
    await refused(
      { ...files, 'l.npy': labels([0, 1, 0, 1]) },
      {
        code: 'E0714',
        message:
          '2 of 4 samples cannot be used: sample 0 of i.npy has the value NaN at element 0, ' +
          'sample 3 of i.npy has the value Infinity at element 7',
        help,
      },
    );
  });

  it.each<[string, readonly number[], string, string]>([
    [
      'beyond the classes',
      [0, 1, 0, 2],
      'sample 3 of images of d.npz has the label 2, but classes are 0 to 1',
      'number the classes from 0, not from 1, or give the model another output',
    ],
    [
      'below them',
      [0, -1, 0, 1],
      'sample 1 of images of d.npz has the label -1, but classes are 0 to 1',
      'number the classes from 0, and leave out samples that have none',
    ],
    [
      'that are no numbers',
      [0, 1, NaN, 1],
      'sample 2 of images of d.npz has the label NaN, but classes are 0 to 1',
      'labels are the numbers of classes, which are whole',
    ],
  ])('with labels %s are refused', async (_, targets, message, advice) => {
    const files = { 'm.cnn': source, 'd.npz': archive(floats(32), labels(targets)) };
    await refused(files, { code: 'E0714', message, help: advice });
  });

  it('of another shape than the model takes are refused', async () => {
    const name = 'the training split of d.npz';
    const files = { 'd.npz': archive(floats(32)) };
    await refused(
      { ...files, 'm.cnn': source.replace('2, 2, 2', '3, 2, 2') },
      { code: 'E0906', message: `${name} has samples of 2 channels, but the model's input has 3` },
    );
    await refused(
      { ...files, 'm.cnn': source.replace('2, 2, 2', '2, 4, 4') },
      {
        code: 'E0906',
        message: `${name} is 2x2, but the model's input is 4x4`,
        help: 'arrays that are not bytes go in as they are: save samples of 4x4',
      },
    );
    await refused(
      { ...files, 'm.cnn': source.replace('lr=0.1)', 'lr=0.1)  augment { color_jitter(0.1) }') },
      { code: 'E0906', message: `color_jitter changes pictures of bytes, but ${name} is a tensor of numbers` },
    );
  });

  it('that a quantize measures on are looked at where it names them', async () => {
    const shop = workshop({
      'm.cnn': `${source}
dataset other { format = "npz"  path = "o.npz"  ${all} }
quantize int8 for M { from = base  calibrate { data = other.train } }
`,
      'd.npz': archive(floats(32)),
      'o.npz': archive(floats(32, { 9: NaN })),
    });
    const message = 'error[E0714]: sample 1 of images of o.npz has the value NaN at element 1\n';
    const checked = await cnnc('check', shop.at('m.cnn'));
    expect(said(shop, checked)).toContain(`${message} --> m.cnn:6:36\n`);
    const ran = await cnnc('train', shop.at('m.cnn:int8'), '-o', shop.at('runs'));
    expect(said(shop, ran)).toContain(`${message} --> m.cnn:6:36\n`);
    expect([checked.code, ran.code, existsSync(shop.at('runs'))]).toEqual([1, 3, false]);
  });
});

it('pictures that the result of a stage without training is measured on are looked at as well', async () => {
  const net = `model M(x: f32[N, 3, 8, 8]) -> f32[N, 2] {
  return x |> c: conv(8, k=3) |> relu |> global_avg_pool |> flatten |> fc: linear(2)
}
`;
  const prune = 'prune thin for M { target = ratio(50%)  data = d  batch = 2 }\n';
  const source = dataset('image-folder', 'd', 'split { val = 4 }');
  const files = pictures({ 'd/b/2.png': plainPng([1, 2, 3], 9) });
  const shop = workshop({ ...files, 'm.cnn': net + source + prune });
  const checked = await cnnc('check', shop.at('m.cnn'));
  expect(said(shop, checked)).toContain(
    "error[E0906]: d/b/2.png is 9x9, but the model's input is 8x8; d/a/1.png (8x8) fits; " +
      '1 of 4 pictures of the validation split of d do not\n --> m.cnn:5:48\n',
  );
  expect(checked.code).toBe(1);
  // With open sizes nothing is measured.
  await accepted({ ...files, 'm.cnn': net.replace('8, 8]', 'H, W]') + source + prune });
});

describe('labels of other files that are beyond the classes', () => {
  it('are refused by the line of a list', async () => {
    const text = model() + dataset('image-folder', 'd', `labels = "l.csv"  ${all}`) + training();
    const list = 'a/1.png,0\na/2.png,1\nb/1.png,2\nb/2.png,1\n';
    await refused(pictures({ 'm.cnn': text, 'l.csv': list }), {
      code: 'E0714',
      message: 'line 3 of l.csv has the label 2, but classes are 0 to 1',
    });
  });

  it('are refused by the record of an IDX file', async () => {
    const header = (magic: number, ...sizes: readonly number[]) => {
      const bytes = Buffer.alloc(4 + 4 * sizes.length);
      [magic, ...sizes].forEach((value, at) => bytes.writeUInt32BE(value, at * 4));
      return bytes;
    };
    await refused(
      {
        'm.cnn': model('1, 2, 2') + dataset('idx', 'd', all) + training(),
        'd/train-images-idx3-ubyte': Buffer.concat([header(2051, 4, 2, 2), Buffer.alloc(16)]),
        'd/train-labels-idx1-ubyte': Buffer.concat([header(2049, 4), Buffer.of(0, 9, 1, 0)]),
      },
      { code: 'E0714', message: 'record 1 of d/train-images-idx3-ubyte has the label 9, but classes are 0 to 1' },
    );
  });
});

describe('masks', () => {
  const net = 'model M(x: f32[N, 3, 4, 4]) -> f32[N, 2, 4, 4] { return x |> c: conv(2, k=1) }\n';
  const place = 'dataset d { format = "image-mask-folder"  images = "i/*"  masks = "m/*"  split { train = 12 } }\n';
  const grey = (width: number, height: number, value = 0) =>
    greyPng({ width, height, values: Array<number>(width * height).fill(value) });
  const pairs = (changed: Files = {}): Files => ({
    'm.cnn': net + place + training(),
    ...Object.fromEntries(
      Array.from({ length: 12 }, (_, at) => String(at + 10)).flatMap((name) => [
        [`i/${name}.png`, plainPng([1, 2, 3], 4)],
        [`m/${name}.png`, grey(4, 4, Number(name) % 2)],
      ]),
    ),
    ...changed,
  });

  it('with a value that is no class are refused, also behind the first', async () => {
    await refused(pairs({ 'm/21.png': grey(4, 4, 7) }), {
      code: 'E0714',
      message: 'pixel (0, 0) of m/21.png has the class 7, but classes are 0 to 1; the values of this mask are 7',
    });
  });

  it('of another size than their pictures are refused', async () => {
    const files = pairs({ 'i/15.jpg': await photo(4, 4), 'm/15.png': grey(4, 5) });
    delete (files as Record<string, unknown>)['i/15.png'];
    await refused(files, { code: 'E0714', message: 'the mask m/15.png is 4x5, but its picture i/15.jpg is 4x4' });
  });

  it('of many megapixels are looked at in part, spread over all', async () => {
    const [large, many] = [rawPng({ width: 4200, height: 4200, depth: 8, colour: 0 }, Buffer.alloc(4201 * 4200)), 12];
    const files = { 'i/10.png': large, 'm/10.png': large };
    const source4200 = `${net}${place}${training()}preprocess for M { resize(4px)  center_crop(4px) }\n`;
    const wrong = (at: number) => pairs({ ...files, 'm.cnn': source4200, [`m/${at + 10}.png`]: grey(4, 4, 7) });
    // Eight of twelve: 0, 1, 3, 4, 6, 7, 9 and 10, which is floor(k * 12 / 8).
    expect(Array.from({ length: 8 }, (_, k) => Math.floor((k * many) / 8))).toEqual([0, 1, 3, 4, 6, 7, 9, 10]);
    const shops = [workshop(wrong(10)), workshop(wrong(11))];
    const codes = [];
    for (const shop of shops) codes.push((await cnnc('check', shop.at('m.cnn'))).code);
    expect(codes).toEqual([1, 0]);
  });

  it('in arrays are all looked through', async () => {
    const values = Array.from({ length: 40 * 4 }, (_, at) => (at === 158 ? 2 : at % 2));
    const files = {
      'm.cnn': net.replaceAll('4, 4]', '2, 2]') + dataset('npz', 'd.npz', 'split { train = 40 }') + training(),
      'd.npz': zip([entry('images', npy(floats(40 * 12), [40, 3, 2, 2])), entry('masks', npy(values, [40, 2, 2]))]),
    };
    await refused(files, {
      code: 'E0714',
      message:
        'pixel (0, 1) of the mask 39 in masks of d.npz has the class 2, but classes are 0 to 1; the values of this mask are 0, 1, 2',
    });
  });
});

it('data that is mended is taken in the same process', async () => {
  const shop = workshop(
    pictures({
      'm.cnn': model() + dataset('image-folder', 'd', all) + training(),
      'd/b/2.png': plainPng([1, 2, 3], 9),
    }),
  );
  expect((await cnnc('check', shop.at('m.cnn'))).code).toBe(1);
  writeFileSync(shop.at('d/b/2.png'), plainPng([1, 2, 3], 8));
  expect((await cnnc('check', shop.at('m.cnn'))).code).toBe(0);
});
