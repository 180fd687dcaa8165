/** The artifact from lowered plans: in memory, or as the files of its folder. */
import { createHash } from 'node:crypto';
import {
  artifactVersion,
  type Artifact,
  type ConstantInfo,
  type Guard,
  type Manifest,
  type Plan,
  type Preprocess,
  type ProfileName,
} from '../../runtime/artifact.ts';
import { encodeSafetensors } from '../../runtime/files/safetensors.ts';
import { sealManifest } from '../../runtime/files/seal.ts';
import { elementBytes } from '../../runtime/files/stored-tensor.ts';
import type { PackedData } from '../kernels/kernel.ts';
import type { Lowered } from './lower.ts';

export interface ArtifactParts {
  readonly compiler: string;
  readonly model: Manifest['model'];
  readonly preprocess: Preprocess | undefined;
  readonly guards?: readonly Guard[] | undefined;
  readonly plans: Readonly<Partial<Record<ProfileName, Lowered>>>;
}

/** What several plans share: WGSL files, packed constants, and the names that plans call those by. */
export interface SharedFiles {
  readonly kernels: ReadonlyMap<string, string>;
  readonly constants: ReadonlyMap<string, Uint8Array>;
  /** The manifest's record of the constants. */
  readonly sizes: Record<string, ConstantInfo>;
  readonly named: (plan: Plan) => Plan;
}

/** Packs every constant once, also where several plans use it. */
export function shareFiles(lowered: readonly Lowered[]): SharedFiles {
  const kernels = new Map(lowered.flatMap((plan) => [...plan.kernels]));
  const names = nameConstants(lowered);
  const constants = new Map<string, Uint8Array>();
  const sizes: Record<string, ConstantInfo> = {};
  for (const { constants: packed } of lowered) {
    for (const [key, { pack }] of packed) {
      const name = names.get(key) ?? key;
      if (constants.has(name)) continue;
      const data = pack();
      constants.set(name, bytesOf(data));
      sizes[name] = infoOf(data);
    }
  }
  return { kernels, constants, sizes, named: (plan) => withNames(plan, names) };
}

export function assembleArtifact({ compiler, model, preprocess, guards = [], plans }: ArtifactParts): Artifact {
  const lowered = Object.values(plans);
  const { kernels, constants, sizes, named } = shareFiles(lowered);
  const manifest: Manifest = {
    format: 'cnnc-artifact',
    version: artifactVersion,
    compiler,
    model,
    symbols: [...new Set(lowered.flatMap(({ symbols }) => symbols))],
    ...(guards.length > 0 ? { guards: [...guards] } : {}),
    ...(preprocess ? { preprocess } : {}),
    constants: sizes,
    plans: Object.fromEntries(Object.entries(plans).map(([profile, { plan }]) => [profile, named(plan)])),
  };
  return { manifest, kernels, constants };
}

/** Stable names for constants, in order of first use; a second constant of one name gets a number. */
function nameConstants(lowered: readonly Lowered[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  const uses = new Map<string, number>();
  for (const { constants } of lowered) {
    for (const [key, { name }] of constants) {
      if (names.has(key)) continue;
      const use = (uses.get(name) ?? 0) + 1;
      uses.set(name, use);
      names.set(key, use === 1 ? name : `${name}#${use}`);
    }
  }
  return names;
}

const withNames = (plan: Plan, names: ReadonlyMap<string, string>): Plan => ({
  ...plan,
  steps: plan.steps.map((step) => ({
    ...step,
    bindings: step.bindings.map((binding) =>
      'constant' in binding ? { constant: names.get(binding.constant) ?? binding.constant } : binding,
    ),
  })),
});

const bytesOf = (data: PackedData): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

function infoOf(data: PackedData): ConstantInfo {
  if (data instanceof Float32Array) return { bytes: data.byteLength };
  return { bytes: data.byteLength, dtype: data instanceof Int8Array ? 'I8' : 'I32' };
}

/** A file of packed constants; `sizes` names the element types that are not F32. */
export function encodeConstants(
  constants: ReadonlyMap<string, Uint8Array>,
  sizes: Readonly<Record<string, ConstantInfo>>,
  format: string,
): Uint8Array {
  const tensors = new Map(
    [...constants].map(([name, bytes]) => {
      const dtype = sizes[name]?.dtype ?? 'F32';
      return [name, { dtype, shape: [bytes.byteLength / elementBytes[dtype]], bytes }] as const;
    }),
  );
  return encodeSafetensors(tensors, new Map([['format', format]]));
}

/** `manifest.json`, sealed with the digests of the files beside it. */
export function sealedText(manifest: object, files: ReadonlyMap<string, Uint8Array | string>): string {
  const digests = Object.fromEntries(
    [...files].map(([path, content]) => [path, createHash('sha256').update(content).digest('hex')]),
  );
  return `${JSON.stringify(sealManifest(manifest, digests))}\n`;
}

/** The folder's files by relative path: `manifest.json`, `kernels/*.wgsl`, `weights.safetensors`. */
export function artifactFiles({ manifest, kernels, constants }: Artifact): Map<string, Uint8Array | string> {
  const files = new Map<string, Uint8Array | string>(kernels);
  files.set('weights.safetensors', encodeConstants(constants, manifest.constants, manifest.format));
  files.set('manifest.json', sealedText(manifest, files));
  return files;
}
