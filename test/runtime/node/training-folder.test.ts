import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { trainingArtifactFiles } from '../../../compiler/emit/write-training-artifact.ts';
import { readArtifact, readTrainingArtifact } from '../../../runtime/node/index.ts';
import { encodeSafetensors } from '../../../runtime/files/safetensors.ts';
import { fromFloat32 } from '../../../runtime/files/stored-tensor.ts';
import { sealManifest } from '../../../runtime/files/seal.ts';
import { sha256 } from '../../../runtime/files/sha256.ts';
import { writeFolderAtomically } from '../../../runtime/node/write-folder.ts';
import { compileSmall } from '../../gpu/small-training.ts';
import { faultOfAsync } from '../fault.ts';
import { temporaryFolder } from './temporary-folder.ts';

const { artifact } = compileSmall();

async function written(): Promise<string> {
  const folder = join(temporaryFolder({}), 'training');
  await writeFolderAtomically(folder, trainingArtifactFiles(artifact));
  return folder;
}

it('reads what was written', async () => {
  const read = await readTrainingArtifact(await written());
  expect(read.manifest).toEqual(artifact.manifest);
  expect([...read.kernels].toSorted(([a], [b]) => (a < b ? -1 : 1))).toEqual(
    [...artifact.kernels].toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
  expect(new Map([...read.constants].map(([name, bytes]) => [name, [...bytes]]))).toEqual(
    new Map([...artifact.constants].map(([name, bytes]) => [name, [...bytes]])),
  );
  expect(new Map([...read.initial].toSorted(([a], [b]) => (a < b ? -1 : 1)))).toEqual(
    new Map([...artifact.initial].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  );
});

it('is the same in every build', () => {
  const bytes = (files: ReadonlyMap<string, Uint8Array | string>) =>
    [...files].map(([name, data]) => [name, Buffer.from(data).toString('base64')]);
  expect(bytes(trainingArtifactFiles(compileSmall().artifact))).toEqual(bytes(trainingArtifactFiles(artifact)));
});

it('tells the two kinds of artifacts apart', async () => {
  const folder = await written();
  expect(await faultOfAsync(() => readArtifact(folder))).toContain('the manifest is not valid at format');
});

it('refuses initial values that the manifest does not know, or of another shape', async () => {
  const folder = await written();
  const file = join(folder, 'initial.safetensors');
  const kept = readFileSync(file);
  const tensor = fromFloat32(Float32Array.of(1, 2), [2]);
  const manifestFile = join(folder, 'manifest.json');
  const sealed = readFileSync(manifestFile, 'utf8');
  const { digest: _, files, ...content } = JSON.parse(sealed) as ReturnType<typeof sealManifest>;
  // Whoever changes a file can seal the manifest again.
  const withInitial = async (name: string): Promise<string> => {
    const bytes = encodeSafetensors(new Map([[name, tensor]]));
    writeFileSync(file, bytes);
    const again = sealManifest(content, { ...files, 'initial.safetensors': sha256(bytes) });
    writeFileSync(manifestFile, JSON.stringify(again));
    return faultOfAsync(() => readTrainingArtifact(folder));
  };
  const [unknown, other] = [await withInitial('fc.scale'), await withInitial('fc.bias')];
  expect(unknown).toBe(`E0715: ${file} has a tensor 'fc.scale' that the manifest does not know`);
  expect(other).toBe(`E0715: the tensor 'fc.bias' in ${file} is F32[2], and the manifest says F32[5]`);
  writeFileSync(file, kept);
  writeFileSync(manifestFile, sealed);
  await readTrainingArtifact(folder);
});
