/** What tells data apart: exactly the files that are read, and what changed in them by name. */
import { cpSync, mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { dataChanges, dataContents, dataIdentity, writeDataList } from '../../compiler/stages/run/data-identity.ts';
import type { Setting } from '../../compiler/analyze/directives/settings.ts';
import { dataSpecOf } from '../../compiler/stages/train/recipe.ts';
import { openParts } from '../../runtime/node/datasets/open-parts.ts';
import type { DataSpec } from '../../runtime/train/recipe.ts';
import { besidePictures } from '../runtime/node/odd-data/image-folder.ts';
import { patternNames } from '../runtime/node/odd-data/image-mask-folder.ts';
import { greyPng } from '../runtime/node/png.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';

const picture = (value: number): Buffer => greyPng({ width: 1, height: 1, values: [value] });

const pictures = { 'photos/a/1.png': picture(1), 'photos/a/2.png': picture(2), 'photos/b/1.png': picture(3) };
const specOf = (folder: string, spec: Partial<DataSpec> = {}): DataSpec => ({
  name: 'd',
  format: 'image-folder',
  path: join(folder, 'photos'),
  split: { seed: 0 },
  ...spec,
});

/** Writes what `photos` is into the folder `run`, and gives what is said of it after `change`. */
async function changed(folder: string, change: () => void): Promise<{ readonly same: boolean; readonly said: string }> {
  const spec = specOf(folder);
  const run = join(folder, 'run');
  mkdirSync(run, { recursive: true });
  await writeDataList(run, spec);
  const before = await dataIdentity(spec);
  change();
  return { same: (await dataIdentity(spec)) === before, said: await dataChanges(run, spec) };
}

describe('the identity of a folder of pictures', () => {
  it.each(besidePictures)('does not depend on %s', async (name) => {
    const folder = temporaryFolder(pictures);
    const { same } = await changed(folder, () => {
      mkdirSync(join(folder, 'photos', name, '..'), { recursive: true });
      writeFileSync(join(folder, 'photos', name), 'x');
    });
    expect(same).toBe(true);
  });

  it('names a picture that changed, is new or is gone', async () => {
    const folder = temporaryFolder(pictures);
    const at = (name: string) => join(folder, 'photos', name);
    expect(await changed(folder, () => writeFileSync(at('a/1.png'), picture(9)))).toEqual({
      same: false,
      said: 'photos/a/1.png changed',
    });
    expect((await changed(folder, () => writeFileSync(at('b/2.png'), picture(9)))).said).toBe('photos/b/2.png is new');
    expect((await changed(folder, () => rmSync(at('b/2.png')))).said).toBe('photos/b/2.png is gone');
    const several = await changed(folder, () => {
      for (const name of ['3', '4', '5', '6', '7']) writeFileSync(at(`a/${name}.png`), picture(1));
    });
    expect(several.said).toBe('photos/a/3.png is new, photos/a/4.png is new, photos/a/5.png is new, 2 more files');
    expect((await changed(folder, () => rmSync(at(''), { recursive: true }))).said).toMatch(
      /^cannot read .*photos: there is/,
    );
  });

  it('names by contents alone where all times are others', async () => {
    const folder = temporaryFolder(pictures);
    const { same, said } = await changed(folder, () => {
      // As many bytes as before.
      writeFileSync(join(folder, 'photos/b/1.png'), picture(4));
      for (const name of Object.keys(pictures)) utimesSync(join(folder, name), 1, 1);
    });
    expect([same, said]).toEqual([false, 'photos/b/1.png changed']);
  });

  it('stays where the folder is moved, and its contents where it is copied', async () => {
    const folder = temporaryFolder(pictures);
    const [identity, contents] = [await dataIdentity(specOf(folder)), await dataContents(specOf(folder))];
    renameSync(join(folder, 'photos'), join(folder, 'moved'));
    expect(await dataIdentity(specOf(folder, { path: join(folder, 'moved') }))).toBe(identity);
    cpSync(join(folder, 'moved'), join(folder, 'photos'), { recursive: true });
    expect(await dataContents(specOf(folder))).toBe(contents);
    writeFileSync(join(folder, 'photos/a/1.png'), picture(8));
    expect(await dataContents(specOf(folder))).not.toBe(contents);
  });

  it('follows links, and covers the file of labels', async () => {
    const folder = temporaryFolder({ ...pictures, 'else/9.png': picture(9), 'l.txt': 'a/1.png 0\nb/1.png 1\n' });
    symlinkSync('../else', join(folder, 'photos/c'));
    expect(await dataIdentity(specOf(folder))).toContain('c/9.png');
    const labelled = specOf(folder, { labels: join(folder, 'l.txt') });
    const lines = (await dataIdentity(labelled)).split('\n').map((line) => line.split(' ')[0]);
    expect(lines).toEqual(['a/1.png', 'b/1.png', 'l.txt']);
  });
});

it.each(patternNames)('masks below a folder called %s have an identity that stays', async (name) => {
  const folder = temporaryFolder({
    [`${name}/data/i/1.png`]: picture(1),
    [`${name}/data/m/1.png`]: greyPng({ width: 1, height: 1, values: [0] }),
    [`${name}/data/m/readme.txt`]: '',
  });
  const text = (value: string) =>
    ({ kind: 'string', value, span: { file: { path: '', text: '' }, start: 0, end: 0 } }) as const;
  const settings = new Map<string, Setting>([
    ['format', { ...text('image-mask-folder'), kind: 'name' } as const],
    ['images', text('data/i/*.png')],
    ['masks', text('data/m/*')],
  ]);
  const spec = dataSpecOf({ settings, name: 'd' }, (path) => join(folder, name, path));
  expect((await dataIdentity(spec)).split('\n').map((line) => line.split(' ')[0])).toEqual([
    'data/i/1.png',
    'data/m/1.png',
  ]);
  const parts = await openParts(spec, '.', 'mask');
  expect([parts.pool.size, parts.leftOut.map(({ reason }) => reason)]).toEqual([1, ['.txt']]);
});
