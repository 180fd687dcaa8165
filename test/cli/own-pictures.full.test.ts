/** docs/my-own-pictures.md as a new user would follow it, on a small folder of generated pictures. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished, expect, it } from 'vitest';
import { encodePng } from '../../compiler/cli/commands/demo/pictures.ts';
import { createSynthetic } from '../../runtime/node/datasets/synthetic.ts';
import { seenImage } from '../../runtime/pictures/seen-image.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { readText } from '../source-tree.ts';
import { cnnc } from './cnnc.ts';

const page = readText('docs/my-own-pictures.md');
const names = ['disc', 'frame', 'ring'];

/** Each class folder gets its pictures, `001.png` and so on. */
async function writePictures(folder: string, each: number): Promise<void> {
  const data = createSynthetic({ target: 'class', classes: names.length, size: 32, seed: 1 }, 400);
  const counts = names.map(() => 0);
  for (const name of names) mkdirSync(join(folder, name), { recursive: true });
  for (let at = 0; at < data.size; at++) {
    const { input, target } = await data.read(at);
    if (input.kind !== 'image' || target.kind !== 'class') continue;
    const count = (counts[target.label] ?? 0) + 1;
    if (count > each) continue;
    counts[target.label] = count;
    const file = join(folder, names[target.label] ?? '', `${String(count).padStart(3, '0')}.png`);
    writeFileSync(file, encodePng(seenImage(input.image, {})));
  }
  expect(counts).toEqual(names.map(() => each));
}

it('goes from a folder of pictures to an artifact that tells them apart', async () => {
  const before = process.cwd();
  onTestFinished(() => process.chdir(before));
  const folder = temporaryFolder();
  process.chdir(folder);
  await writePictures('pictures', 16);
  const printed = new Map<string, string>();
  for (const [, language, text = ''] of page.matchAll(/^```(\w+)\n(.*?)^```$/gms)) {
    if (language === 'cnn') appendFileSync('model.cnn', `\n${text}`);
    if (language !== 'console') continue;
    for (const [, command = ''] of text.matchAll(/^\$ (.*)$/gm)) {
      const [program, ...words] = command.split(' ');
      if (program === 'cd') process.chdir(words[0] ?? '');
      else {
        expect(words[0]).toBe('cnnc');
        const { code, out, err } = await cnnc(...words.slice(1));
        expect({ command, code, err: code === 0 ? '' : err }).toEqual({ command, code: 0, err: '' });
        printed.set(command, out);
      }
      if (command.includes(' init ')) shorten(join('shapes', 'model.cnn'));
    }
  }
  expect(printed.get('npx cnnc plan model.cnn')).toMatch(/base .*up to date[^]*2 stages to run: slim, int8/);
  expect(printed.get('npx cnnc diff runs/base runs/slim runs/int8')).toContain('int8');
  expect([...printed.values()].at(-1)).toMatch(/disc|frame|ring/);
  expect(existsSync('build/int8/manifest.json')).toBe(true);
});

/** What is learnt is not looked at here: a few steps run the same commands. */
function shorten(file: string): void {
  const text = readFileSync(file, 'utf8');
  const short = text.replace(/epochs = \d+/, 'epochs = 4');
  expect(short).not.toBe(text);
  writeFileSync(file, short);
}

it('names no command that is not run', () => {
  const fences = [...page.matchAll(/^```(\w*)\n/gm)].map(([, language = '']) => language);
  expect(fences.filter((language) => language !== '').toSorted()).toEqual([
    'cnn',
    ...Array.from({ length: 7 }, () => 'console'),
  ]);
});
