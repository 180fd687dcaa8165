/** Opening a project: once, with diagnostics as values. */
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SourceError } from '../../compiler/driver/failure.ts';
import { modelIn, openProject } from '../../compiler/driver/project.ts';
import { cnnc, tinySource } from '../cli/cnnc.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';

const stages = `${tinySource}
dataset shapes { format = "synthetic"  samples = 24  size = 8px  classes = 4 }
train base for Tiny { data = shapes  epochs = 1  batch = 8  loss = cross_entropy()  optimizer = sgd(lr=0.1) }
prune slim for Tiny { from = base  target = ratio(25%) }
`;

describe('a target', () => {
  it('is read, parsed and analysed once, whatever is wrong with it', async () => {
    const file = join(temporaryFolder({ 'm.cnn': 'model M(x: f32[N, 3, 8, 8]) -> f32[N, 4] { return y }' }), 'm.cnn');
    const project = await openProject(`${file}:M`);
    expect(project).toMatchObject({ file, name: 'M' });
    expect(project.diagnostics.map(({ code }) => code)).toContain('E0201');
    expect(() => modelIn(project)).toThrow(SourceError);
    expect(() => modelIn(project)).toThrow(`${file}:1:51: E0201: `);
  });

  it('takes settings in place of those of the source', async () => {
    const file = join(temporaryFolder({ 'm.cnn': stages }), 'm.cnn');
    const { program } = await openProject(file, { settings: ['base.epochs=7', 'slim.target=ratio(50%)'] });
    const base = program.directives.find(({ name }) => name === 'base');
    expect(base?.settings.get('epochs')).toMatchObject({ value: 7 });
    await expect(openProject(file, { settings: ['base.epoch=7'] })).rejects.toMatchObject({ code: 'E0001' });
    const wrong = await openProject(file, { settings: ['base.epochs=seven'] });
    expect(wrong.diagnostics).toMatchObject([{ span: { file: { path: 'settings' } } }]);
  });
});

describe('a build', () => {
  const { openSync } = fs;
  let read: string[] = [];
  beforeEach(() => {
    read = [];
    fs.openSync = ((path: string, ...rest: [number]) => {
      read.push(path);
      return openSync(path, ...rest);
    }) as typeof openSync;
    syncBuiltinESMExports();
  });
  afterEach(() => {
    fs.openSync = openSync;
    syncBuiltinESMExports();
  });

  it.each(['', ':Tiny', ':slim'])('of FILE%s reads its source once', async (name) => {
    const folder = temporaryFolder({ 'm.cnn': stages });
    const file = join(folder, 'm.cnn');
    const weights = ['--weights', 'random'];
    const built = await cnnc('build', `${file}${name}`, ...weights, '-o', join(folder, 'out'), '--profile', 'software');
    expect(built).toMatchObject({ code: 0 });
    expect(read.filter((path) => path.endsWith('m.cnn'))).toHaveLength(1);
  });
});
