/** `cnnc run`: classes of images, tensors in and out, and inputs that will not do. */
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import sharp from 'sharp';
import { built, cnnc, eventsOf, npy, plainPng, readNpy, workshop } from './cnnc.ts';

/** What the colours model makes of a byte: `(byte / 255 - 0.5) / 0.1`. */
const logit = (byte: number): number => (byte / 255 - 0.5) / 0.1;

it('names the classes of an image with their probabilities', async () => {
  const shop = workshop({ 'orange.png': plainPng([128, 102, 51]) });
  const artifact = await built(shop, 'colours.cnn');
  const ran = await cnnc('run', artifact, shop.at('orange.png'), '--top', '2', '--json');
  expect(ran.code).toBe(0);
  const [classes] = eventsOf(ran);
  const scores = [128, 102, 51].map(logit);
  const sum = scores.reduce((total, score) => total + Math.exp(score), 0);
  expect(classes).toMatchObject({
    softmax: 'host',
    classes: [128, 102].map((byte, index) => ({
      index,
      name: ['red', 'green'][index],
      score: expect.closeTo(logit(byte), 4),
      probability: expect.closeTo(Math.exp(logit(byte)) / sum, 5),
    })),
  });
  const text = await cnnc('run', artifact, shop.at('orange.png'));
  expect(text.out).toMatch(
    /orange\.png {2}\(softmax of the logits\)\n +[67]\d\.\d\d% {2}red\n +\d+\.\d\d% {2}green\n +\d\.\d\d% {2}blue\n$/,
  );
});

it('takes no second softmax where the model ends in one', async () => {
  const source =
    'model Ends(image: f32[N, 3, 4, 4]) -> f32[N, 3] { return image |> global_avg_pool |> flatten |> softmax }\n';
  const shop = workshop({ 'ends.cnn': source, 'blue.png': plainPng([0, 0, 255]) });
  const ran = await cnnc('run', await built(shop, 'ends.cnn'), shop.at('blue.png'), '--json');
  const best = Math.E / (Math.E + 2);
  expect(eventsOf(ran)[0]).toMatchObject({
    softmax: 'model',
    classes: [{ name: 'class 2', probability: expect.closeTo(best, 5) }, { index: 0 }, { index: 1 }],
  });
});

it('gives back a tensor as it went in, and joins the outputs of several inputs', async () => {
  const source = 'model Same(x: f32[N, 2, 3, 5]) -> f32[N, 2, 3, 5] { return x |> relu }\n';
  const values = Array.from({ length: 60 }, (_, at) => (at % 7) / 8);
  const shop = workshop({
    'same.cnn': source,
    'x.npy': npy(values, [2, 2, 3, 5]),
    'z.npy': npy(values.slice(0, 30), [1, 2, 3, 5]),
  });
  const artifact = await built(shop, 'same.cnn');
  const ran = await cnnc('run', artifact, shop.at('x.npy'), '--save', shop.at('y.npy'));
  expect(ran.code).toBe(0);
  expect(ran.out).toMatch(/x\.npy: output \[2, 2, 3, 5\] = 0 0\.125 0\.250 0\.375 0\.500 0\.625 0\.750 0 \.\.\.\n/);
  expect(readNpy(shop.at('y.npy'))).toEqual({ shape: [2, 2, 3, 5], data: Float32Array.from(values) });
  await cnnc('run', artifact, shop.at('x.npy'), shop.at('z.npy'), '--save', shop.at('both.npy'));
  const both = readNpy(shop.at('both.npy'));
  expect(both).toEqual({ shape: [3, 2, 3, 5], data: Float32Array.from([...values, ...values.slice(0, 30)]) });
});

it('writes over none of its inputs, by whatever path, and says how a sample becomes a batch', async () => {
  const bytes = npy([1, 2, 3, 4], [1, 1, 2, 2]);
  const shop = workshop({
    'two.cnn':
      'model Two(a: f32[N, 1, 2, 2], b: f32[N, 1, 2, 2]) {\n  let left = a - b\n  let right = a + b\n  return (left, right)\n}\n',
    'x.npy': bytes,
    'x.left.npy': bytes,
  });
  symlinkSync(shop.at('x.npy'), shop.at('link.right.npy'));
  const artifact = await built(shop, 'two.cnn');
  const inputs = [shop.at('x.npy'), shop.at('x.left.npy')];
  for (const name of ['x.npy', 'link.npy']) {
    expect(await cnnc('run', artifact, ...inputs, '--save', shop.at(name))).toMatchObject({
      code: 2,
      err: expect.stringMatching(/E0001.*--save .*npy would write over the input .*\nhelp: give it a name of its own/),
    });
  }
  for (const path of inputs) expect(readFileSync(path)).toEqual(Buffer.from(bytes));
  writeFileSync(shop.at('flat.npy'), npy([1, 2, 3, 4], [1, 2, 2]));
  expect(await cnnc('run', artifact, shop.at('flat.npy'), shop.at('x.npy'))).toMatchObject({
    code: 3,
    err: expect.stringContaining('help: the batch comes first: make it [1, 1, 2, 2]'),
  });
});

it('takes the tensors of a model of several inputs in their order, and saves each output', async () => {
  const source =
    'model Two(a: f32[N, 1, 2, 2], b: f32[N, 1, 2, 2]) -> (f32[N, 1, 2, 2], f32[N, 1, 2, 2]) {\n  let left = a - b\n  let right = a + b\n  return (left, right)\n}\n';
  const untyped = source.replace(/ -> \(.*?\) \{/, ' {');
  const shop = workshop({
    'two.cnn': untyped,
    'a.npy': npy([1, 2, 3, 4], [1, 1, 2, 2]),
    'b.npy': npy([4, 3, 2, 1], [1, 1, 2, 2]),
  });
  const artifact = await built(shop, 'two.cnn');
  const ran = await cnnc('run', artifact, shop.at('a.npy'), shop.at('b.npy'), '--save', shop.at('y.npy'));
  expect(ran.code).toBe(0);
  expect([...readNpy(shop.at('y.left.npy')).data]).toEqual([-3, -1, 1, 3]);
  expect([...readNpy(shop.at('y.right.npy')).data]).toEqual([5, 5, 5, 5]);
  expect(await cnnc('run', artifact, shop.at('a.npy'))).toMatchObject({
    code: 2,
    err: expect.stringContaining('takes 2 tensors (a, b), 1 are given'),
  });
});

it('runs the plan that --profile names, with bounds checks and without', async () => {
  const shop = workshop({
    'x.npy': npy(
      [...Array(48).keys()].map((at) => at / 48),
      [1, 3, 4, 4],
    ),
  });
  const artifact = await built(shop, 'colours.cnn');
  const runs = [];
  for (const flags of [[], ['--profile', 'gpu'], ['--profile', 'software', '--trust']]) {
    runs.push(await cnnc('run', artifact, shop.at('x.npy'), ...flags));
  }
  expect(runs.map(({ code }) => code)).toEqual([0, 0, 0]);
  expect(new Set(runs.map(({ out }) => out)).size).toBe(1);
  expect(await cnnc('run', artifact, shop.at('x.npy'), '--profile', 'abacus')).toMatchObject({ code: 2 });
});

it('reads JPEG files', async () => {
  const blue = sharp({ create: { width: 4, height: 4, channels: 3, background: { r: 10, g: 20, b: 240 } } });
  const shop = workshop({ 'blue.jpg': await blue.jpeg().toBuffer() });
  const ran = await cnnc('run', await built(shop, 'colours.cnn'), shop.at('blue.jpg'), '--top', '1', '--json');
  expect(eventsOf(ran)[0]).toMatchObject({ classes: [{ name: 'blue' }] });
});

it('runs an artifact of a fixed batch on fewer images', async () => {
  const shop = workshop({ 'red.png': plainPng([255, 0, 0]) });
  const artifact = await built(shop, 'colours.cnn', '--shape', 'N=4');
  const ran = await cnnc('run', artifact, shop.at('red.png'), '--json');
  expect(eventsOf(ran)[0]).toMatchObject({ classes: [{ name: 'red', score: expect.closeTo(5, 4) }, {}, {}] });
});

it.each([
  ['an image that is not there', 'nothing.png', 3, /^error\[E0710\]: .*nothing\.png/],
  ['a broken image', 'broken.png', 3, /^error\[E0713\]: cannot decode .*broken\.png/],
  [
    'an image of another size',
    'large.png',
    3,
    /^error\[E0906\]: the image is 8x8, but the model's input is 4x4\nhelp: /,
  ],
  [
    'a tensor of another shape',
    'wide.npy',
    3,
    /^error\[E0906\]: input image is \[1, 3, 2, 8\], the model takes \[N, 3, 4, 4\]/,
  ],
  ['a tensor with NaN', 'nan.npy', 3, /^error\[E0906\]: .*nan\.npy has the value NaN at element 5/],
  ['a broken tensor', 'broken.npy', 3, /^error\[E0712\]: .*broken\.npy: /],
  ['something else', 'labels.txt', 2, /^error\[E0001\]: .*labels\.txt is neither a picture .* nor \.npy/],
])('refuses %s, and saves nothing', async (_, input, code, message) => {
  const shop = workshop({
    'broken.png': plainPng([1, 2, 3]).subarray(0, 60),
    'large.png': plainPng([1, 2, 3], 8),
    'wide.npy': npy(
      Array.from({ length: 48 }, () => 0),
      [1, 3, 2, 8],
    ),
    'nan.npy': npy(
      [...Array(48).keys()].map((at) => (at === 5 ? Number.NaN : at)),
      [1, 3, 4, 4],
    ),
    'broken.npy': npy([1, 2, 3, 4], [4]).subarray(0, 70),
  });
  const ran = await cnnc('run', await built(shop, 'colours.cnn'), shop.at(input), '--save', shop.at('y.npy'));
  expect(ran).toMatchObject({ code, out: '', err: expect.stringMatching(message) });
  expect(existsSync(shop.at('y.npy'))).toBe(false);
});
