/** Pipes and devices in the place of files: nobody may ever write to them, and they may never end. */
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { built, cnnc, tinySource, workshop } from './cnnc.ts';

const noFile = (name: string) => ({
  code: 3,
  out: '',
  err: expect.stringMatching(
    new RegExp(`error\\[E0710\\]: cannot read .*${name}: it is a pipe or a device, not a file\\n`),
  ),
});

/** The tiny models, and a pipe called so. */
function withPipe(name: string, files: Readonly<Record<string, string>> = {}) {
  const shop = workshop(files);
  execFileSync('mkfifo', [shop.at(name)]);
  return shop;
}

describe.skipIf(process.platform === 'win32')('a pipe', () => {
  it.each([
    ['check'],
    ['fmt'],
    ['build', '--weights', 'random'],
    ['build', '--emit', 'ast'],
    ['train'],
    ['plan'],
    ['bench'],
    ['data'],
    ['inspect', '--graph', 'dot'],
  ])('is no source for %s', async (command, ...flags) => {
    const shop = withPipe('pipe.cnn');
    expect(await cnnc(command, shop.at('pipe.cnn'), ...flags)).toMatchObject(noFile('pipe.cnn'));
    expect((await cnnc(command, '/dev/zero', ...flags)).code).not.toBe(0);
  });

  it('is neither imported nor a list of classes', async () => {
    const shop = withPipe('pipe.cnn', {
      'imports.cnn': `import { x } from "pipe"\n${tinySource}`,
      'named.cnn': `${tinySource}preprocess for Tiny {\n  labels = "pipe.cnn"\n}\n`,
    });
    for (const name of ['imports.cnn', 'named.cnn']) {
      const ran = await cnnc('build', shop.at(name), '--weights', 'random');
      expect(ran).toMatchObject({ code: 1, err: expect.stringMatching(/error\[E0701\]: .*pipe/) });
    }
  });

  it('has no weights, no artifact and no record of a stage', async () => {
    const shop = withPipe('pipe');
    const tiny = shop.at('tiny.cnn');
    expect(await cnnc('build', tiny, '--weights', shop.at('pipe'))).toMatchObject(noFile('pipe'));
    expect(await cnnc('inspect', shop.at('pipe'))).toMatchObject({ code: 3, out: '' });
    const artifact = await built(shop, 'tiny.cnn', '--weights', shop.at('tiny.safetensors'));
    execFileSync('mkfifo', [shop.at('pipe.npy'), shop.at('pipe.png'), shop.at('stage.json')]);
    expect(await cnnc('run', artifact, shop.at('pipe.npy'))).toMatchObject(noFile('pipe.npy'));
    expect(await cnnc('run', artifact, shop.at('pipe.png'))).toMatchObject(noFile('pipe.png'));
    expect(await cnnc('diff', shop.folder, artifact)).toMatchObject({ code: 3, out: '' });
    const data = ['--data', `image-folder:${shop.folder}`, '--labels', shop.at('pipe')];
    expect(await cnnc('eval', artifact, ...data)).toMatchObject(noFile('pipe'));
  });

  it('is not replaced by a project', async () => {
    const shop = withPipe('model.cnn');
    expect(await cnnc('init', shop.folder, '--template', 'unet')).toMatchObject({
      code: 2,
      err: expect.stringContaining('this would replace'),
    });
  });
});
