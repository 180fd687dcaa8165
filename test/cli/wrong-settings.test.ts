/** Settings that no data would fit: a path that leads nowhere, and a crop of another size than the model's. */
import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { cnnc, plainPng, workshop } from './cnnc.ts';

type Files = NonNullable<Parameters<typeof workshop>[0]>;

const model = (input = '3, 8, 8') =>
  `model M(x: f32[N, ${input}]) -> f32[N, 2] { return x |> global_avg_pool |> flatten |> fc: linear(2) }\n`;
const dataset = (path: string) => `dataset d { format = "image-folder"  path = "${path}"  split { train = 4 } }\n`;
const training = (more = '') =>
  `train base for M { data = d  epochs = 1  batch = 2  loss = cross_entropy()  optimizer = sgd(lr=0.1)  checkpoint { best = train.loss }  ${more} }\n`;

describe('a path that leads nowhere', () => {
  const source = model() + dataset('../picture') + training();
  const at = `error[E0710]: cannot read picture: there is no such file or folder\n --> src/m.cnn:2:45\n`;
  const run = async (files: Files) => {
    const shop = workshop(files);
    const file = shop.at('src/m.cnn');
    const [checked, ran] = [await cnnc('check', file), await cnnc('train', file, '-o', shop.at('runs'))];
    expect([ran.code, ran.out, existsSync(shop.at('runs'))]).toEqual([3, '', false]);
    return { checked, texts: [checked, ran].map((each) => each.err.replaceAll(`${shop.folder}/`, '')) };
  };

  it('is shown with what lies beside it, by check as well', async () => {
    const { checked, texts } = await run({ 'src/m.cnn': source, 'pictures/a/1.png': plainPng([1, 2, 3], 8) });
    expect(checked.code).toBe(1);
    for (const text of texts) {
      expect(text).toContain(at);
      expect(text).toContain('help: did you mean `../pictures`?\n');
    }
  });

  it('is none for check where nothing is like it: the data may be elsewhere', async () => {
    const { checked, texts } = await run({ 'src/m.cnn': source, 'photos/a/1.png': plainPng([1, 2, 3], 8) });
    expect(checked).toMatchObject({ code: 0, err: '' });
    expect(texts[1]).toContain(at);
    expect(texts[1]).toContain('help: paths are as seen from the source; --data FORMAT:PATH names data');
  });
});

describe('a crop of an augmentation', () => {
  const cropped = (augment: string, input = '3, 8, 8') =>
    model(input) + dataset('elsewhere') + training(`augment { ${augment} }`);

  it.each([
    ['random_crop(6px)', '6x6', 'write `random_crop(8px)`'],
    ['random_crop(10px, pad=2px)  horizontal_flip()', '10x10', 'write `random_crop(8px)`'],
    ['random_crop(8px)  random_resized_crop(12px)', '12x12', 'write `random_resized_crop(8px)`'],
  ])('%s of another size than the model takes is refused without data', async (augment, size, help) => {
    const shop = workshop({ 'm.cnn': cropped(augment) });
    const checked = await cnnc('check', shop.at('m.cnn'));
    expect(checked.code).toBe(1);
    expect(checked.err).toContain(`error[E0605]: pictures are ${size} behind this, but \`M\` takes 8x8\n`);
    expect(checked.err).toContain(`help: ${help}\n`);
  });

  it('fits where the last one has the size of the model; crops are square', async () => {
    const fits = workshop({ 'm.cnn': cropped('random_resized_crop(12px)  random_crop(8px)') });
    expect(await cnnc('check', fits.at('m.cnn'))).toMatchObject({ code: 0, err: '' });
    const wide = await cnnc('check', workshop({ 'm.cnn': cropped('random_crop(8px)', '3, 8, 12') }).at('m.cnn'));
    expect(wide.err).toMatch(/pictures are 8x8 behind this, but `M` takes 12x8\n[^]*help: crops are square/);
  });
});
