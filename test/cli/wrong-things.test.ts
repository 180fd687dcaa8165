/** What stands where an artifact or a source belongs is called by its name, with the command that makes one of it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { built, cnnc, plainPng, workshop, type Workshop } from './cnnc.ts';

let shop: Workshop;
beforeEach(() => {
  shop = workshop({
    'a.png': plainPng([200, 10, 10]),
    // A message of protocol buffers: version 8 of ONNX, then the producer's name.
    'net.onnx': Uint8Array.of(8, 8, 18, 7, ...new TextEncoder().encode('pytorch')),
    'net.h5': Uint8Array.of(0x89, 0x48, 0x44, 0x46, 13, 10, 26, 10),
    'odd.bin': Uint8Array.of(1, 2, 3),
    'staged.cnn': `model Net(x: f32[N, 3, 8, 8]) -> f32[N, 2] { return x |> global_avg_pool |> flatten |> head: linear(2) }
dataset pictures { format = synthetic  samples = 40  size = 8px  classes = 2 }
train base for Net { data = pictures  epochs = 1  batch = 8  loss = cross_entropy()  optimizer = sgd(lr=0.01) }
`,
  });
});

describe('where an artifact belongs', () => {
  it.each([
    ['tiny.cnn', /tiny\.cnn is a source, and an artifact .*\n.*build it first: npx cnnc build .*tiny\.cnn\n/],
    [
      'net.onnx',
      /net\.onnx is an ONNX model, .*\n.*npx cnnc build FILE\.cnn --weights weights\.safetensors; in Python: /,
    ],
    ['net.h5', /net\.h5 is an HDF5 file, as Keras writes \(\.h5\), .*\n.*--weights weights\.safetensors; in Python: /],
    [
      'tiny.safetensors',
      /tiny\.safetensors holds weights, .*\n.*: npx cnnc build FILE\.cnn --weights .*tiny\.safetensors\n/,
    ],
    ['odd.bin', /odd\.bin is a file, and .*\n.*: npx cnnc build FILE\.cnn\n/],
  ])('knows %s', async (name, wanted) => {
    const ran = await cnnc('run', shop.at(name), shop.at('a.png'));
    expect(ran.code).toBe(3);
    expect(ran.err).toMatch(wanted);
  });

  it('says how to make one where there is nothing', async () => {
    const ran = await cnnc('eval', 'build/none', '--data', 'npy:x.npy');
    expect(ran.err).toMatch(/cannot read build\/none: .*\n.*: npx cnnc build FILE\.cnn -o build\/none\n/);
  });

  it('knows the folder of a stage, and the source that it was trained from', async () => {
    const runs = shop.at('runs');
    expect(await cnnc('train', shop.at('staged.cnn'), '-o', join(runs, 'base'))).toMatchObject({ code: 0 });
    const ran = await cnnc('run', join(runs, 'base'), shop.at('a.png'));
    expect(ran.err).toMatch(
      /base is the folder of the stage base, .*\n.*cnnc build .*staged\.cnn:base --runs .*runs\n/,
    );
    const drawn = await cnnc('inspect', join(runs, 'base'), '--graph', 'dot');
    expect(drawn.err).toMatch(/: npx cnnc inspect .*staged\.cnn:Net --graph dot\n/);
  });

  it('leaves the fault of a damaged artifact as it is', async () => {
    mkdirSync(shop.at('damaged'));
    writeFileSync(shop.at('damaged/manifest.json'), '{');
    expect((await cnnc('inspect', shop.at('damaged'))).err).toMatch(/manifest\.json is not JSON/);
  });
});

describe('where a source belongs', () => {
  it('names the source of an artifact', async () => {
    const artifact = await built(shop, 'colours.cnn');
    const ran = await cnnc('inspect', artifact, '--graph', 'svg');
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.err).toMatch(/no \.cnn file\n.*name the source: npx cnnc inspect .*colours\.cnn:Colours --graph svg\n/);
  });

  it('names the model of a stage', async () => {
    const ran = await cnnc('inspect', `${shop.at('staged.cnn')}:base`, '--graph', 'svg');
    expect(ran).toMatchObject({ code: 2 });
    expect(ran.err).toMatch(/base is a stage of .*\n.*name its model: .*staged\.cnn:Net\n/);
  });
});
