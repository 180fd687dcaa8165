/** Writes what was compiled to a folder. */
import type { Artifact } from '../../runtime/artifact.ts';
import { writeFolderAtomically } from '../../runtime/node/write-folder.ts';
import { artifactFiles } from '../emit/write-artifact.ts';

/** The folder appears whole, in place of an earlier artifact. Throws E0710 where it cannot be written. */
export const writeArtifact = (folder: string, artifact: Artifact): Promise<void> =>
  writeFolderAtomically(folder, artifactFiles(artifact));
