/** `cnnc init --data`: what is found in a folder of pictures, and that what is written for it is right and trains. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { projectFor } from '../../compiler/cli/commands/init/data.ts';
import { pictureNetwork, planFor, type Findings } from '../../compiler/cli/commands/init/picture-network.ts';
import { check } from '../analyze/memory-host.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { cnnc, plainPng, summaryOf, type Rgb } from './cnnc.ts';

const files = (folder: string, colour: Rgb, count: number, size = 32): Record<string, Uint8Array> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`${folder}/${at}.png`, plainPng(colour, size)]));

const red: Rgb = [204, 51, 0];
const blue: Rgb = [0, 51, 204];
const two = { ...files('my data/red', red, 8), ...files('my data/blue', blue, 4) };

describe('what is found', () => {
  it('is told: classes with their pictures, sizes, colour or grey', async () => {
    const folder = temporaryFolder(two);
    const { summary, source } = await projectFor(join(folder, 'my data'), join(folder, 'project'));
    expect(summary).toMatch(/my data: 12 pictures of 2 classes \(blue 4, red 8\)\ncolour, 32x32 pixels$/);
    expect(source).toContain('path   = "../my data"\n');
    expect(source).toContain('image: f32[N, 3, 32, 32], classes: int = 2)');
    // Two thirds of the pixels are (0.8, 0.2, 0), a third is (0, 0.2, 0.8).
    expect(source).toContain('normalize(mean=[0.53, 0.20, 0.27], std=[0.38, 0.05, 0.38])');
  });

  it('is told with what was left out', async () => {
    const folder = temporaryFolder({ ...two, 'my data/red/notes.txt': 'mine', 'my data/red/more.txt': 'mine' });
    const { summary } = await projectFor(join(folder, 'my data'), folder);
    expect(summary).toMatch(/: 12 pictures of .*\n.*\nleft out: 2 \.txt \(.*(notes|more)\.txt, \.\.\.\)$/);
  });

  it('may be grey, of several sizes, and in parts that lie apart', async () => {
    const grey: Rgb = [90, 90, 90];
    const folder = temporaryFolder({
      ...files('data/train/a', grey, 6, 40),
      ...files('data/train/b', grey, 6, 90),
      ...files('data/val/a', grey, 1),
      ...files('data/val/b', grey, 1),
      ...files('data/test/a', grey, 2),
      ...files('data/test/b', grey, 1),
    });
    const { summary, source } = await projectFor(join(folder, 'data'), folder);
    expect(summary).toMatch(
      /data: 12 pictures of 2 classes \(a 6, b 6\)\ngrey, 40x40 to 90x90 pixels; 2 for validation and 3 for the test apart$/,
    );
    expect(source).toContain('path   = "data"\n');
    expect(source).not.toMatch(/split|horizontal_flip/);
    expect(source).toContain('image: f32[N, 1, ');
  });

  it('is refused where nothing can be learnt from it', async () => {
    const folder = temporaryFolder({
      ...files('one/red', red, 12),
      ...files('few/a', red, 2),
      ...files('few/b', red, 2),
    });
    const ran = async (data: string) => cnnc('init', join(folder, 'p'), '--data', join(folder, data));
    expect(await ran('one')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^error\[E0714\]: there is one class, red/),
    });
    expect(await ran('few')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^error\[E0714\]: 4 pictures are too few/),
    });
    expect(await ran('none')).toMatchObject({ code: 3, err: expect.stringMatching(/^error\[E0710\]: /) });
    mkdirSync(join(folder, 'pairs/images'), { recursive: true });
    mkdirSync(join(folder, 'pairs/masks'));
    expect(await ran('pairs')).toMatchObject({
      code: 3,
      err: expect.stringContaining('help: start from --template unet'),
    });
    expect(await cnnc('init', join(folder, 'p'), '--data', 'x', '--template', 'unet')).toMatchObject({ code: 2 });
  });
});

it('writes what checks, trains, and knows its classes', async () => {
  const folder = temporaryFolder(two);
  // A path through a link leads where the link does.
  mkdirSync(join(folder, 'elsewhere/deep'), { recursive: true });
  symlinkSync(join(folder, 'elsewhere/deep'), join(folder, 'link'));
  const project = join(folder, 'link', 'project');
  expect(await cnnc('init', project, '--data', join(folder, 'my data'))).toMatchObject({ code: 0, err: '' });
  const model = join(project, 'model.cnn');
  expect(await cnnc('check', model)).toMatchObject({ code: 0, err: '' });
  expect(await cnnc('fmt', '--check', model)).toMatchObject({ code: 0 });
  const ran = await cnnc('train', model, '-o', join(project, 'run'), '--epochs', '12', '--json');
  expect(ran.code).toBe(0);
  expect(summaryOf(ran)).toMatchObject({ ended: 'finished' });
  const accuracy = /"val\.accuracy":1[,}]/.exec(ran.out);
  expect(accuracy).not.toBeNull();
});

it('takes data as eval takes it, and says how a plain path is written', async () => {
  const folder = temporaryFolder(two);
  const data = join(folder, 'my data');
  expect(await cnnc('init', join(folder, 'new'), '--data', `image-folder:${data}`)).toMatchObject({ code: 0 });
  const plain = await cnnc('data', data);
  expect(plain).toMatchObject({ code: 2, err: expect.stringContaining(`help: write image-folder:${data}\n`) });
  expect((await cnnc('data', 'x.npz')).err).toContain('help: write npz:x.npz\n');
});

describe('the network', () => {
  const findings = (changed: Partial<Findings>): Findings => ({
    path: 'data',
    classes: ['a', 'b'],
    samples: { pool: 100, val: undefined, test: undefined },
    perClass: [50, 50],
    sides: [[100, 80]],
    isGrey: false,
    mean: [0.5, 0.5, 0.5],
    std: [0.2, 0.2, 0.2],
    ...changed,
  });

  it('has the largest size that the pictures fill, up to 64 pixels', () => {
    const sizeOf = (...sides: [number, number][]): number => planFor(findings({ sides })).size;
    expect(sizeOf([100, 80])).toBe(64);
    expect(sizeOf([28, 28])).toBe(28);
    expect(sizeOf([500, 50])).toBe(48);
    expect(sizeOf([8, 8])).toBe(16);
    expect(sizeOf([20, 30], [64, 64], [300, 200])).toBe(64);
  });

  it('trains longer on fewer pictures, in smaller batches', () => {
    const planOf = (pool: number) => {
      const { batch, epochs, trained, split } = planFor(
        findings({ samples: { pool, val: undefined, test: undefined } }),
      );
      return { batch, epochs, trained, split };
    };
    const [fifth, tenths] = [
      'split { train = 80%  val = 20%  seed = 1 }',
      'split { train = 80%  val = 10%  test = 10%  seed = 1 }',
    ];
    expect(planOf(10)).toEqual({ batch: 8, epochs: 40, trained: 8, split: fifth });
    expect(planOf(1000)).toEqual({ batch: 16, epochs: 10, trained: 800, split: tenths });
    expect(planOf(50_000)).toEqual({ batch: 64, epochs: 8, trained: 40_000, split: tenths });
  });

  it('checks without a fault, in the one style, whatever was found', () => {
    const side = fc.integer({ min: 1, max: 5000 });
    const path = fc.string({ unit: 'grapheme', minLength: 1 }).map((text) => text.replaceAll('\0', ''));
    const apart = fc.option(fc.integer({ min: 1, max: 99 }), { nil: undefined });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        path,
        fc.integer({ min: 2, max: 300 }),
        fc.record({ pool: fc.integer({ min: 10, max: 1_000_000 }), val: apart, test: apart }),
        fc.array(fc.tuple(side, side), { minLength: 1 }),
        fc.boolean(),
        fc.tuple(share, share, share),
        (name, classes, samples, sides, isGrey, figures) => {
          const found = { path: name, samples, sides, isGrey, mean: figures, std: figures };
          const names = Array.from({ length: classes }, (_, at) => String(at));
          const text = pictureNetwork(findings({ ...found, classes: names }));
          expect(check(text).diagnostics.map(({ code, message }) => `${code} ${message}`)).toEqual([]);
        },
      ),
      { numRuns: 40 },
    );
  });
});
