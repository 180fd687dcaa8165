/** The artifact from lowered plans: in memory, or as the files of its folder. */
import {
  artifactVersion,
  type Artifact,
  type Guard,
  type Manifest,
  type Preprocess,
  type ProfileName,
} from '../../runtime/artifact.ts';
import { encodeSafetensors } from '../../runtime/safetensors.ts';
import { fromFloat32 } from '../../runtime/stored-tensor.ts';
import type { PackedConstant } from '../kernels/kernel.ts';
import type { Lowered } from './lower.ts';

export interface ArtifactParts {
  readonly compiler: string;
  readonly model: Manifest['model'];
  readonly preprocess: Preprocess | undefined;
  readonly guards?: readonly Guard[] | undefined;
  readonly plans: Readonly<Partial<Record<ProfileName, Lowered>>>;
}

/** Packs every constant once, also where both profiles use it. */
export function assembleArtifact({ compiler, model, preprocess, guards = [], plans }: ArtifactParts): Artifact {
  const lowered = Object.values(plans);
  const kernels = new Map(lowered.flatMap((plan) => [...plan.kernels]));
  const packed = new Map<string, PackedConstant>(lowered.flatMap((plan) => [...plan.constants]));
  const constants = new Map<string, Uint8Array>();
  for (const [name, { pack }] of packed) {
    const floats = pack();
    constants.set(name, new Uint8Array(floats.buffer, floats.byteOffset, floats.byteLength));
  }
  const manifest: Manifest = {
    format: 'cnnc-artifact',
    version: artifactVersion,
    compiler,
    model,
    symbols: [...new Set(lowered.flatMap(({ symbols }) => symbols))],
    ...(guards.length > 0 ? { guards: [...guards] } : {}),
    ...(preprocess ? { preprocess } : {}),
    constants: Object.fromEntries([...constants].map(([name, { byteLength }]) => [name, { bytes: byteLength }])),
    plans: Object.fromEntries(Object.entries(plans).map(([profile, { plan }]) => [profile, plan])),
  };
  return { manifest, kernels, constants };
}

/** The folder's files by relative path: `manifest.json`, `kernels/*.wgsl`, `weights.safetensors`. */
export function artifactFiles({ manifest, kernels, constants }: Artifact): Map<string, Uint8Array | string> {
  const tensors = new Map(
    [...constants].map(([name, bytes]) => {
      const floats = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
      return [name, fromFloat32(floats, [floats.length])] as const;
    }),
  );
  const files = new Map<string, Uint8Array | string>(kernels);
  files.set('weights.safetensors', encodeSafetensors(tensors, new Map([['format', 'cnnc-artifact']])));
  files.set('manifest.json', `${JSON.stringify(manifest)}\n`);
  return files;
}
