/** Reads an artifact folder: `manifest.json`, the WGSL files that it names, and `weights.safetensors`. */
import { parseManifest } from '../parse-manifest.ts';
import type { Artifact } from '../artifact.ts';
import { readConstants, readKernels, readManifest } from './artifact-folder.ts';

/**
 * Reads and checks an artifact. Throws E0710 for files that cannot be read and E0715 for a folder that is no artifact,
 * a manifest of another form or version, a path that leaves the folder, and files that differ from their digests.
 */
export async function readArtifact(folder: string): Promise<Artifact> {
  const { manifest, files } = await readManifest(folder, parseManifest);
  const kernels = await readKernels(folder, files, [manifest.plans.software, manifest.plans.gpu]);
  return { manifest, kernels, constants: await readConstants(folder, files, manifest.constants) };
}
