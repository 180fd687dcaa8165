import { chmodSync, existsSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sealedText } from '../../../compiler/emit/write-artifact.ts';
import { artifactVersion } from '../../../runtime/artifact.ts';
import { readArtifact } from '../../../runtime/node/read-artifact.ts';
import { writeFolderAtomically } from '../../../runtime/node/write-folder.ts';
import { encodeSafetensors } from '../../../runtime/files/safetensors.ts';
import { faultOfAsync } from '../fault.ts';
import { temporaryFolder } from './temporary-folder.ts';

const kernel = 'kernels/relu.wgsl';

function manifest(file = kernel, bytes = 8): Record<string, unknown> {
  const entry = { file, entryPoint: 'main', access: ['read'], workgroupSize: [64, 1, 1] };
  const arena = { bytes: 0, lowerBoundBytes: 0 };
  const plan = { limits: {}, features: [], arena, kernels: [entry], steps: [], inputs: [], outputs: [] };
  return {
    format: 'cnnc-artifact',
    version: artifactVersion,
    compiler: 'test',
    model: { name: 'M', source: 'm.cnn', parameters: 2, macs: 0 },
    symbols: [],
    constants: { w: { bytes } },
    plans: { software: plan },
  };
}

const weights = (name = 'w') =>
  encodeSafetensors(new Map([[name, { dtype: 'F32', shape: [2], bytes: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8) }]]));

/** Contents by path; an object is a manifest, to be sealed with the digests of the rest. */
type Contents = Readonly<Record<string, Uint8Array | string | object>>;

function files(changes: Contents = {}): Map<string, Uint8Array | string> {
  const good = { [kernel]: '@compute fn main() {}', 'weights.safetensors': weights() };
  const { 'manifest.json': head = manifest(), ...rest } = { ...good, ...changes } as Record<
    string,
    Uint8Array | string
  >;
  const others = new Map(Object.entries(rest));
  const isSealed = typeof head === 'string' || head instanceof Uint8Array;
  return new Map([...others, ['manifest.json', isSealed ? head : sealedText(head, others)]]);
}

const folderWith = (changes?: Contents) => temporaryFolder(Object.fromEntries(files(changes)));

describe('readArtifact', () => {
  it('reads what writeFolderAtomically wrote', async () => {
    const folder = join(temporaryFolder(), 'deep/model');
    await writeFolderAtomically(folder, files());
    const artifact = await readArtifact(folder);
    expect(artifact.manifest.model.name).toBe('M');
    expect([...artifact.kernels]).toEqual([[kernel, '@compute fn main() {}']]);
    expect([...(artifact.constants.get('w') ?? [])]).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it.each<[string, Contents, string]>([
    ['a manifest that is no JSON', { 'manifest.json': '{' }, 'is not JSON'],
    ['a manifest of another program', { 'manifest.json': '{"name":"x"}' }, 'the manifest is not valid at format'],
    ['another version', { 'manifest.json': { ...manifest(), version: 99 } }, 'not valid at version'],
    ['bytes that are no text', { 'manifest.json': Uint8Array.of(0xff) }, 'UTF-8'],
    ['a kernel outside', { 'manifest.json': manifest('kernels/../../x.wgsl') }, 'which is not kernels/NAME.wgsl'],
    ['an absolute kernel', { 'manifest.json': manifest('/etc/passwd') }, 'which is not kernels/NAME.wgsl'],
    ['a constant of another size', { 'manifest.json': manifest(kernel, 12) }, 'has 8 bytes, and the manifest says 12'],
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
    [
      'broken weights',
      { 'weights.safetensors': 'nothing' },
      'weights.safetensors: a file of 7 bytes is too short for safetensors',
    ],
  ])('refuses %s', async (_, changes, message) => {
    const fault = await faultOfAsync(() => readArtifact(folderWith(changes)));
    expect(fault).toMatch(/^E0715: /);
    expect(fault).toContain(message);
  });

  it.each([
    ['a kernel', kernel, '@compute fn main() { }'],
    [
      'weights',
      'weights.safetensors',
      encodeSafetensors(new Map([['w', { dtype: 'F32', shape: [2], bytes: new Uint8Array(8) }]])),
    ],
  ])('refuses %s that changed after it was written', async (_, path, contents) => {
    const folder = temporaryFolder({ ...Object.fromEntries(files()), [path]: contents });
    expect(await faultOfAsync(() => readArtifact(folder))).toMatch(/^E0715: .*differs from its digest in the manifest/);
  });

  it('refuses a manifest that was edited, however it is laid out', async () => {
    const text = String(files().get('manifest.json'));
    const open = (changed: string) =>
      readArtifact(temporaryFolder({ ...Object.fromEntries(files()), 'manifest.json': changed }));
    // Blanks and the order of keys say nothing.
    expect((await open(JSON.stringify(JSON.parse(text), undefined, 2))).manifest.model.name).toBe('M');
    const fault = await faultOfAsync(() => open(text.replace('"parameters":2', '"parameters":3')));
    expect(fault).toMatch(/^E0715: .*differs from its digest: it was changed after it was written/);
    expect(await faultOfAsync(() => open(text.replace(/,"digest":"\w+"/, '')))).toMatch(
      /^E0715: .*has no valid digest/,
    );
    const deep = `{"format":"cnnc-artifact","version":${artifactVersion},"files":{},"digest":"${'0'.repeat(64)}","x":${'['.repeat(9e4)}${']'.repeat(9e4)}}`;
    expect(await faultOfAsync(() => open(deep))).toMatch(/^E0715: .*nested too deeply/);
  });

  it('says what is missing', async () => {
    const missing = { 'manifest.json': manifest('kernels/none.wgsl') };
    expect(await faultOfAsync(() => readArtifact(folderWith(missing)))).toMatch(/^E0710: .*none\.wgsl/);
    expect(await faultOfAsync(() => readArtifact('/nonexistent'))).toMatch(/^E0710/);
    expect(await faultOfAsync(() => readArtifact(temporaryFolder()))).toMatch(/^E0715: .*no manifest\.json/);
    expect(await faultOfAsync(() => readArtifact(join(folderWith(), kernel)))).toMatch(
      /^E0710: .*: it is a text, not a folder$/,
    );
  });

  it('follows no link out of the folder', async () => {
    const folder = temporaryFolder({
      ...Object.fromEntries([...files()].filter(([path]) => path !== kernel)),
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
