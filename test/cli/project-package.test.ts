/** The `package.json` of a new project depends on the cnnc that wrote it, wherever that lies. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  dependencyOn,
  dependsOnCnnc,
  isInstalledFor,
  packageFolder,
  projectPackage,
} from '../../compiler/cli/commands/init/project-package.ts';
import { version } from '../../compiler/version.ts';
import { temporaryFolder } from '../runtime/node/temporary-folder.ts';
import { root } from '../source-tree.ts';

/** A project that has cnnc as this text asks for it. */
function installed(text: string, key = 'dependencies') {
  const folder = temporaryFolder({
    'home/package.json': JSON.stringify({ [key]: { cnnc: text } }),
    'home/node_modules/cnnc/package.json': '{}',
    'packs/cnnc-0.1.0.tgz': '',
  });
  return { folder, at: join(folder, 'home/node_modules/cnnc') };
}

describe('the dependency', () => {
  it('is the version where a registry had it', () => {
    for (const text of ['^0.1.0', '0.1.0', '*', 'latest']) {
      const { folder, at } = installed(text);
      expect(dependencyOn(at, folder)).toBe(version);
    }
  });

  it('is the tarball, as it is seen from the project', () => {
    const { folder, at } = installed('file:../packs/cnnc-0.1.0.tgz', 'devDependencies');
    expect(dependencyOn(at, join(folder, 'home'))).toBe('file:../packs/cnnc-0.1.0.tgz');
    expect(dependencyOn(at, join(folder, 'home/yet to/come'))).toBe('file:../../../packs/cnnc-0.1.0.tgz');
    expect(dependencyOn(at, folder)).toBe('file:packs/cnnc-0.1.0.tgz');
  });

  it('is the installed folder where the tarball has gone, or nobody asked for it', () => {
    const gone = installed('file:../packs/other.tgz');
    expect(dependencyOn(gone.at, join(gone.folder, 'home'))).toBe('file:node_modules/cnnc');
    const folder = temporaryFolder({ 'lib/node_modules/cnnc/package.json': '{}' });
    expect(dependencyOn(join(folder, 'lib/node_modules/cnnc'), folder)).toBe('file:lib/node_modules/cnnc');
  });

  it('is the address where it came from one', () => {
    for (const text of ['https://example.org/cnnc-0.1.0.tgz', 'git+ssh://git@example.org/cnnc.git#v1']) {
      const { folder, at } = installed(text);
      expect(dependencyOn(at, folder)).toBe(text);
    }
  });

  it('is the checkout that ran', () => {
    expect(packageFolder()).toBe(root);
    expect(dependencyOn(root, join(root, 'somewhere/inside'))).toBe('file:../..');
  });
});

it('is named like its folder, as far as npm allows', () => {
  const nameOf = (folder: string): unknown => (JSON.parse(projectPackage(folder)) as Record<string, unknown>)['name'];
  const folder = temporaryFolder();
  expect(nameOf(join(folder, 'My Pictures (2)'))).toBe('my-pictures-2-');
  expect(nameOf(join(folder, 'cnnc'))).toBe('my-network');
  expect(nameOf(join(folder, '日本'))).toBe('my-network');
});

it('knows whether npx finds cnnc, and whether a package.json names it', () => {
  const folder = temporaryFolder();
  expect(isInstalledFor(join(folder, 'a/b'))).toBe(false);
  mkdirSync(join(folder, 'a/node_modules/cnnc'), { recursive: true });
  writeFileSync(join(folder, 'a/node_modules/cnnc/package.json'), '{}');
  expect(isInstalledFor(join(folder, 'a/b'))).toBe(true);
  expect(isInstalledFor(folder)).toBe(false);
  const file = join(folder, 'package.json');
  expect(dependsOnCnnc(file)).toBeUndefined();
  for (const [text, expected] of [
    ['{}', false],
    ['no json', false],
    ['{"dependencies": null}', false],
    ['{"devDependencies": {"cnnc": "0.1.0"}}', true],
  ] as const) {
    writeFileSync(file, text);
    expect(dependsOnCnnc(file)).toBe(expected);
  }
});
