/** Reads the folder of a training artifact: what any artifact has, and `initial.safetensors`. */
import { join } from 'node:path';
import type { HostTensor } from '../host-tensor.ts';
import type { FileDigests } from '../files/seal.ts';
import { toFloat32 } from '../files/stored-tensor.ts';
import { parseTrainingManifest, type TrainingArtifact, type TrainingManifest } from '../train/training-artifact.ts';
import { malformed, readConstants, readKernels, readManifest, readTensorFile } from './artifact-folder.ts';

const initialName = 'initial.safetensors';

/**
 * Reads and checks a training artifact. Throws E0710 for files that cannot be read and E0715 for a folder that is no
 * training artifact, and for constants or initial values that differ from the manifest.
 */
export async function readTrainingArtifact(folder: string): Promise<TrainingArtifact> {
  const { manifest, files } = await readManifest(folder, parseTrainingManifest);
  const { step, evaluate } = manifest.programs;
  const kernels = await readKernels(folder, files, [step.software, step.gpu, evaluate.software, evaluate.gpu]);
  const constants = await readConstants(folder, files, manifest.constants);
  return { manifest, kernels, constants, initial: await readInitial(folder, files, manifest) };
}

async function readInitial(
  folder: string,
  files: FileDigests,
  { state }: TrainingManifest,
): Promise<ReadonlyMap<string, HostTensor>> {
  const path = join(folder, initialName);
  const shapes = new Map(state.flatMap(({ tensors }) => tensors.map(({ name, shape }) => [name, shape])));
  const { tensors } = await readTensorFile(folder, initialName, files);
  return new Map(
    [...tensors].map(([name, stored]): [string, HostTensor] => {
      const shape = shapes.get(name);
      if (!shape) throw malformed(`${path} has a tensor '${name}' that the manifest does not know`);
      if (stored.dtype !== 'F32' || stored.shape.join() !== shape.join()) {
        const given = `${stored.dtype}[${stored.shape.join(', ')}]`;
        throw malformed(`the tensor '${name}' in ${path} is ${given}, and the manifest says F32[${shape.join(', ')}]`);
      }
      return [name, { shape, data: toFloat32(stored) }];
    }),
  );
}
