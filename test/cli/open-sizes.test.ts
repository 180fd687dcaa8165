/** Models that leave the image's size open: one artifact for all of them, in every command. */
import { expect, it } from 'vitest';
import { built, cnnc, eventsOf, npy, plainPng, readNpy, summaryOf, workshop } from './cnnc.ts';

const source = `
model Open(image: f32[N, 3, H, W]) -> f32[N, 3] {
  assert H % 4 == 0 && W % 2 == 0, "H and W must fit, got {H}x{W}"
  return image |> global_avg_pool |> flatten
}
model Plain(image: f32[N, 3, H, W]) -> f32[N, 8, H, W] {
  return image |> wide: conv(8, k=3) |> relu
}
preprocess for Open { normalize(mean=[0.5], std=[0.1]) }
`;

const pictures = {
  'open.cnn': source,
  'small.png': plainPng([255, 0, 0], 4),
  'large.png': plainPng([0, 255, 0], 12),
  'odd.png': plainPng([0, 0, 255], 6),
  'list.txt': 'small.png 0\nlarge.png 1\nlarge2.png 1\n',
  'large2.png': plainPng([0, 0, 255], 12),
};

it('runs and evaluates images of several sizes', async () => {
  const shop = workshop(pictures);
  const artifact = await built(shop, 'open.cnn:Open');
  const ran = await cnnc(
    'run',
    artifact,
    shop.at('small.png'),
    shop.at('large.png'),
    '--save',
    shop.at('y.npy'),
    '--json',
  );
  const best = eventsOf(ran).filter(({ kind }) => kind === 'classes');
  expect(best.map(({ classes }) => (classes as { index: number }[])[0]?.index)).toEqual([0, 1]);
  expect(readNpy(shop.at('y.npy')).shape).toEqual([2, 3]);
  const data = ['--data', `image-folder:${shop.folder}`, '--labels', shop.at('list.txt')];
  expect(summaryOf(await cnnc('eval', artifact, ...data, '--json'))).toMatchObject({ top1: 2 / 3, samples: 3 });
});

it('tells what an assertion of the source asks of a size', async () => {
  const shop = workshop(pictures);
  const ran = await cnnc('run', await built(shop, 'open.cnn:Open'), shop.at('odd.png'));
  expect(ran).toMatchObject({ code: 3, err: 'error[E0906]: input image: H and W must fit, got 6x6\n' });
});

it('benches the size that is given, and asks for it', async () => {
  const shop = workshop(pictures);
  const artifact = await built(shop, 'open.cnn:Open');
  const asked = await cnnc('bench', artifact);
  expect(asked).toMatchObject({
    code: 2,
    err: expect.stringMatching(/leaves H, W open\nhelp: give sizes, as in --shape H=128,W=128/),
  });
  expect(await cnnc('bench', artifact, '--shape', 'H=6,W=6')).toMatchObject({
    code: 2,
    err: expect.stringContaining('H must be a multiple of 4, not 6'),
  });
  expect(await cnnc('bench', artifact, '--shape', 'H=8,W=6,D=2')).toMatchObject({
    code: 2,
    err: expect.stringContaining('no open size D'),
  });
  expect(await cnnc('bench', artifact, '--shape', 'H=8,W=6', '--iters', '2')).toMatchObject({ code: 0 });
});

it('compares with the interpreter at the size that is given', async () => {
  const shop = workshop(pictures);
  const target = 'open.cnn:Plain';
  const random = ['--weights', 'random'];
  const artifact = await built(shop, target, ...random);
  const ran = await cnnc('compare', artifact, shop.at(target), ...random, '--shape', 'H=5,W=9', '--json');
  expect(summaryOf(ran)).toMatchObject({ compared: 2, unmatched: 0 });
  const fixed = await built(shop, target, ...random, '--shape', 'H=5,W=9');
  expect(await cnnc('compare', fixed, shop.at(target), ...random, '--shape', 'H=5,W=9')).toMatchObject({ code: 0 });
  const wrong = await cnnc('run', fixed, shop.at('x.npy'));
  expect(wrong.code).toBe(3);
});

it('says for which size its figures are', async () => {
  const shop = workshop(pictures);
  const ran = await cnnc('build', shop.at('open.cnn:Plain'), '--weights', 'random', '-o', shop.at('out'));
  expect(ran.out).toMatch(/^Plain: 224 params, 216 +MACs at H=1, W=1\n/);
  expect((await cnnc('inspect', shop.at('out'))).out).toContain('MACs at H=1, W=1');
  expect((await cnnc('inspect', shop.at('open.cnn:Open'))).out).toContain(
    'MACs and memory are those of one sample at H=4, W=2',
  );
});

it('joins no outputs of different sizes in one file', async () => {
  const zeros = (count: number): number[] => Array.from({ length: count }, () => 0);
  const files = { 'a.npy': npy(zeros(12), [1, 3, 2, 2]), 'b.npy': npy(zeros(27), [1, 3, 3, 3]) };
  const shop = workshop({ ...pictures, ...files });
  const artifact = await built(shop, 'open.cnn:Plain', '--weights', 'random');
  const ran = await cnnc('run', artifact, shop.at('a.npy'), shop.at('b.npy'), '--save', shop.at('y.npy'));
  expect(ran).toMatchObject({
    code: 2,
    err: expect.stringContaining('[1, 8, 2, 2] and [1, 8, 3, 3] cannot be joined'),
  });
});
