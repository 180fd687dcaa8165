import { chmodSync, existsSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readArtifact } from '../../../runtime/node/read-artifact.ts';
import { writeFolderAtomically } from '../../../runtime/node/write-folder.ts';
import { encodeSafetensors } from '../../../runtime/safetensors.ts';
import { faultOfAsync } from '../fault.ts';
import { temporaryFolder } from './temporary-folder.ts';

const kernel = 'kernels/relu.wgsl';

function manifest(file = kernel, bytes = 8): Record<string, unknown> {
  const entry = { file, entryPoint: 'main', access: ['read'], workgroupSize: [64, 1, 1] };
  const arena = { bytes: 0, lowerBoundBytes: 0 };
  const plan = { limits: {}, features: [], arena, kernels: [entry], steps: [], inputs: [], outputs: [] };
  return {
    format: 'cnnc-artifact',
    version: 2,
    compiler: 'test',
    model: { name: 'M', source: 'm.cnn', parameters: 2, macs: 0 },
    symbols: [],
    constants: { w: { bytes } },
    plans: { software: plan },
  };
}

const weights = (name = 'w') =>
  encodeSafetensors(new Map([[name, { dtype: 'F32', shape: [2], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }]]));

function files(changes: Readonly<Record<string, Uint8Array | string>> = {}): Map<string, Uint8Array | string> {
  const good = {
    'manifest.json': JSON.stringify(manifest()),
    [kernel]: '@compute fn main() {}',
    'weights.safetensors': weights(),
  };
  return new Map(Object.entries({ ...good, ...changes }));
}

const folderWith = (changes?: Readonly<Record<string, Uint8Array | string>>) =>
  temporaryFolder(Object.fromEntries(files(changes)));

describe('readArtifact', () => {
  it('reads what writeFolderAtomically wrote', async () => {
    const folder = join(temporaryFolder(), 'deep/model');
    await writeFolderAtomically(folder, files());
    const artifact = await readArtifact(folder);
    expect(artifact.manifest.model.name).toBe('M');
    expect([...artifact.kernels]).toEqual([[kernel, '@compute fn main() {}']]);
    expect([...(artifact.constants.get('w') ?? [])]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it.each<[string, Record<string, Uint8Array | string>, string]>([
    ['a manifest that is no JSON', { 'manifest.json': '{' }, 'is not JSON'],
    ['a manifest of another program', { 'manifest.json': '{"name":"x"}' }, 'the manifest is not valid at format'],
    ['another version', { 'manifest.json': JSON.stringify({ ...manifest(), version: 99 }) }, 'not valid at version'],
    ['bytes that are no text', { 'manifest.json': Uint8Array.of(0xff) }, 'UTF-8'],
    [
      'a kernel outside',
      { 'manifest.json': JSON.stringify(manifest('kernels/../../x.wgsl')) },
      'which is not kernels/NAME.wgsl',
    ],
    [
      'an absolute kernel',
      { 'manifest.json': JSON.stringify(manifest('/etc/passwd')) },
      'which is not kernels/NAME.wgsl',
    ],
    [
      'a constant of another size',
      { 'manifest.json': JSON.stringify(manifest(kernel, 12)) },
      'has 8 bytes, and the manifest says 12',
    ],
    ['a missing constant', { 'weights.safetensors': weights('v') }, "lacks the constant 'w'"],
    [
      'a constant to spare',
      {
        'weights.safetensors': encodeSafetensors(
          new Map(['w', 'v'].map((name) => [name, { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }])),
        ),
      },
      "a constant 'v'",
    ],
    ['broken weights', { 'weights.safetensors': 'nothing' }, 'weights.safetensors: a file of 7 bytes'],
  ])('refuses %s', async (_, changes, message) => {
    const fault = await faultOfAsync(() => readArtifact(folderWith(changes)));
    expect(fault).toMatch(/^E0715: /);
    expect(fault).toContain(message);
  });

  it('says what is missing', async () => {
    const missing = { 'manifest.json': JSON.stringify(manifest('kernels/none.wgsl')) };
    expect(await faultOfAsync(() => readArtifact(folderWith(missing)))).toMatch(/^E0710: .*none\.wgsl/);
    expect(await faultOfAsync(() => readArtifact('/nonexistent'))).toMatch(/^E0710/);
    expect(await faultOfAsync(() => readArtifact(temporaryFolder()))).toMatch(/^E0715: .*no manifest\.json/);
    expect(await faultOfAsync(() => readArtifact(join(folderWith(), kernel)))).toMatch(/^E0715: .*is a file/);
  });

  it('follows no link out of the folder', async () => {
    const folder = temporaryFolder({
      'manifest.json': JSON.stringify(manifest()),
      'weights.safetensors': weights(),
      'kernels/x': '',
    });
    symlinkSync('/etc/hostname', join(folder, kernel));
    expect(await faultOfAsync(() => readArtifact(folder))).toMatch(/^E0715: .*leads out of the artifact/);
  });
});

describe('writeFolderAtomically', () => {
  it('replaces an earlier artifact and leaves nothing beside', async () => {
    const parent = temporaryFolder();
    const target = join(parent, 'model');
    await writeFolderAtomically(target, files({ 'kernels/old.wgsl': 'old' }));
    await writeFolderAtomically(target, files());
    expect(readdirSync(join(target, 'kernels'))).toEqual(['relu.wgsl']);
    expect(readdirSync(parent)).toEqual(['model']);
  });

  it.skipIf(process.platform === 'win32').each([0o002, 0o022, 0o027])(
    'leaves permissions to the umask %o',
    async (mask) => {
      const target = join(temporaryFolder(), 'model');
      const before = process.umask(mask);
      onTestFinished(() => void process.umask(before));
      for (const round of ['new', 'replaced']) {
        await writeFolderAtomically(target, files());
        const modeOf = (name: string): number => statSync(join(target, name)).mode & 0o777;
        expect([round, modeOf('.'), modeOf('kernels')]).toEqual([round, 0o777 & ~mask, 0o777 & ~mask]);
        expect(modeOf('manifest.json')).toBe(0o644 & ~mask);
      }
    },
  );

  it('fills an empty folder, and the folder behind a link', async () => {
    const parent = temporaryFolder({ 'empty/x': '' });
    const real = temporaryFolder();
    symlinkSync(real, join(parent, 'link'));
    await writeFolderAtomically(join(parent, 'link'), files());
    expect(existsSync(join(real, 'manifest.json'))).toBe(true);
    expect(readdirSync(parent).sort()).toEqual(['empty', 'link']);
  });

  it.each<[string, Record<string, string>, string]>([
    ['a folder of the user', { 'notes.txt': 'precious' }, 'is no artifact'],
    ["another program's manifest.json", { 'manifest.json': '{"name":"app"}' }, 'is no artifact'],
    [
      'an artifact with a file of the user',
      { 'manifest.json': '{"format":"cnnc-artifact"}', 'notes.txt': 'precious' },
      'holds notes.txt',
    ],
  ])('leaves %s alone', async (_, present, message) => {
    const target = temporaryFolder(present);
    const fault = await faultOfAsync(() => writeFolderAtomically(target, files()));
    expect(fault).toMatch(/^E0723: /);
    expect(fault).toContain(message);
    for (const [file, contents] of Object.entries(present))
      expect(readFileSync(join(target, file), 'utf8')).toBe(contents);
  });

  it('refuses a file, and names that leave the folder', async () => {
    const parent = temporaryFolder({ file: 'x' });
    expect(await faultOfAsync(() => writeFolderAtomically(join(parent, 'file'), files()))).toMatch(
      /^E0723: .*is a file/,
    );
    for (const name of ['../x', '/x', 'a//b', 'a/./b', '', 'a\\b', 'c:x', 'a\0']) {
      const write = () => writeFolderAtomically(join(parent, 'new'), new Map([[name, '']]));
      expect(await faultOfAsync(write)).toMatch(/^E0723: .*not a path inside/);
    }
    expect(readdirSync(parent)).toEqual(['file']);
  });

  it('keeps the earlier artifact where writing fails', async () => {
    const parent = temporaryFolder();
    const target = join(parent, 'model');
    await writeFolderAtomically(target, files());
    // `kernels` cannot be a file and a folder at once, so the write fails half-way.
    const broken = new Map<string, string>([
      ['manifest.json', 'new'],
      ['kernels', 'file'],
      [kernel, 'new'],
    ]);
    expect(await faultOfAsync(() => writeFolderAtomically(target, broken))).toMatch(/^E0723: cannot write/);
    expect(readdirSync(parent)).toEqual(['model']);
    expect((await readArtifact(target)).manifest.model.name).toBe('M');
  });

  it.skipIf(process.getuid?.() === 0 || process.platform === 'win32')('reports a folder that is closed', async () => {
    const parent = temporaryFolder();
    chmodSync(parent, 0o500);
    expect(await faultOfAsync(() => writeFolderAtomically(join(parent, 'x'), files()))).toMatch(
      /^E0723: .*permission denied/,
    );
  });
});
