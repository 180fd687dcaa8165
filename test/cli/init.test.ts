/** `cnnc init`: what it writes, that nothing is lost, and that each project trains as it is. */
import { some } from '../amount.ts';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { chooseTemplate, templates } from '../../compiler/cli/commands/init.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { readText } from '../source-tree.ts';
import { cnnc, summaryOf } from './cnnc.ts';

const names = Object.keys(templates);
const original = (name: string): string => readText(`examples/starters/${name}/model.cnn`);

it('has the templates that come with the package', () => {
  const folders = readdirSync('examples/starters', { withFileTypes: true }).filter((entry) => entry.isDirectory());
  expect(folders.map(({ name }) => name).toSorted()).toEqual(names.toSorted());
});

describe.each(some(names, 1))('the project %s', (name) => {
  it('is checked, trained and built in its own folder', async () => {
    const folder = join(temporaryFolder(), 'a new', 'project');
    const made = await cnnc('init', folder, '--template', name);
    expect(made).toMatchObject({ code: 0, err: '' });
    const model = join(folder, 'model.cnn');
    const next = `Next\n  cd '${folder}'\n  npm install\n  npx cnnc train model.cnn\n  npx cnnc build model.cnn:base\n`;
    expect(made.out).toContain(`wrote ${model}\nwrote ${join(folder, 'package.json')}\n\n${next}`);
    expect(readFileSync(model, 'utf8')).toBe(original(name));
    expect(await cnnc('check', model)).toMatchObject({ code: 0, err: '' });
    const small = ['--epochs', '1', '--limit-batches', '1', '--batch', '4', '--set', 'dataset.samples=40'];
    const split = ['--set', 'dataset.split.train=32', '--set', 'dataset.split.val=8'];
    const ran = await cnnc('train', model, '-o', join(folder, 'run'), ...small, ...split, '--json');
    expect(ran.code).toBe(0);
    expect(summaryOf(ran)).toMatchObject({ ended: 'finished', steps: 1 });
    const best = join(folder, 'run/best.safetensors');
    expect(await cnnc('build', model, '--weights', best, '-o', join(folder, 'net'))).toMatchObject({ code: 0 });
  });
});

describe('files that are there', () => {
  it('are named and kept', async () => {
    const folder = temporaryFolder({ 'model.cnn': 'mine', 'notes.txt': 'mine' });
    const ran = await cnnc('init', folder, '--template', 'unet');
    const message = `error[E0001]: this would replace ${join(folder, 'model.cnn')}\nhelp: `;
    expect(ran).toMatchObject({ code: 2, out: '', err: expect.stringContaining(message) });
    expect(readFileSync(join(folder, 'model.cnn'), 'utf8')).toBe('mine');
  });

  it('are replaced where --yes says so, and only those of the project', async () => {
    const folder = temporaryFolder({ 'model.cnn': 'mine', 'notes.txt': 'mine' });
    const ran = await cnnc('init', folder, '--template', 'unet', '--yes');
    expect(ran).toMatchObject({ code: 0, out: expect.stringContaining(`replaced ${join(folder, 'model.cnn')}\n`) });
    expect(readFileSync(join(folder, 'model.cnn'), 'utf8')).toBe(original('unet'));
    expect(readFileSync(join(folder, 'notes.txt'), 'utf8')).toBe('mine');
  });

  it('do not matter where they are the same', async () => {
    const folder = temporaryFolder({ 'model.cnn': original('unet') });
    expect(await cnnc('init', folder, '--template', 'unet')).toMatchObject({ code: 0 });
  });

  it('stay where a file takes the place of the folder, or a folder that of a file', async () => {
    const folder = temporaryFolder({ file: 'mine' });
    const ran = await cnnc('init', join(folder, 'file'), '--template', 'unet');
    expect(ran).toMatchObject({
      code: 3,
      err: expect.stringMatching(/^error\[E0723\]: cannot make .*: a file lies there\n/),
    });
    mkdirSync(join(folder, 'model.cnn'));
    writeFileSync(join(folder, 'model.cnn/x'), 'mine');
    expect(await cnnc('init', folder, '--template', 'unet')).toMatchObject({ code: 2 });
    expect(await cnnc('init', folder, '--template', 'unet', '--yes')).toMatchObject({ code: 3 });
    expect(readFileSync(join(folder, 'model.cnn/x'), 'utf8')).toBe('mine');
  });
});

describe('without a template', () => {
  const typed = (text: string) => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    input.end(text);
    return { input, output };
  };

  const quiet = (): void => undefined;

  it('it takes the first and says so, off a terminal', async () => {
    const told: string[] = [];
    expect(await chooseTemplate(undefined, (text) => told.push(text))).toBe(names[0]);
    expect(told).toEqual([
      'no template is named: this is cifar10 (a residual network that classifies 32x32 pictures); others by --template: mobilenet, unet',
    ]);
    expect(await cnnc('init', temporaryFolder(), '--template', 'mobilnet')).toMatchObject({
      code: 2,
      err: expect.stringContaining('help: did you mean `mobilenet`?'),
    });
  });

  it('it asks on a terminal, until there is one', async () => {
    expect(await chooseTemplate(typed('unet\n'), quiet)).toBe('unet');
    expect(await chooseTemplate(typed('2\n'), quiet)).toBe(names[1]);
    expect(await chooseTemplate(typed('\n'), quiet)).toBe(names[0]);
    expect(await chooseTemplate(typed(''), quiet)).toBeUndefined();
    const on = { input: new PassThrough(), output: new PassThrough() };
    const answer = chooseTemplate(on, quiet);
    const shown = (): string => String(on.output.read() ?? '');
    let text = '';
    while (!text.includes('Template'))
      text += await new Promise<string>((resolve) => setImmediate(() => resolve(shown())));
    on.input.write('u-net\n');
    while (!text.includes('did you mean `unet`?')) {
      text += await new Promise<string>((resolve) => setImmediate(() => resolve(shown())));
    }
    on.input.write('unet\n');
    expect(await answer).toBe('unet');
    for (const name of names) expect(text).toContain(`${name} (`);
  });
});
