/** The training artifact from its lowered programs: in memory, or as the files of its folder. */
import type { Plan, Preprocess, ProfileName } from '../../runtime/artifact.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import { encodeSafetensors } from '../../runtime/files/safetensors.ts';
import { fromFloat32 } from '../../runtime/files/stored-tensor.ts';
import type { Recipe } from '../../runtime/train/recipe.ts';
import {
  trainingArtifactVersion,
  type StateTensorInfo,
  type TrainingArtifact,
  type TrainingManifest,
} from '../../runtime/train/training-artifact.ts';
import type { Lowered } from './lower.ts';
import { alignment } from './plan-memory.ts';
import { encodeConstants, sealedText, shareFiles } from './write-artifact.ts';

/** One program for each profile. */
export type Program = Readonly<Partial<Record<ProfileName, Lowered>>>;

export interface TrainingParts {
  readonly compiler: string;
  readonly model: TrainingManifest['model'];
  readonly recipe: Recipe;
  readonly settings: TrainingManifest['settings'];
  readonly preprocess: Preprocess | undefined;
  readonly input: TrainingManifest['input'];
  readonly state: readonly {
    readonly name: string;
    readonly length: number;
    readonly tensors: readonly (Omit<StateTensorInfo, 'shape'> & { readonly shape: readonly number[] })[];
  }[];
  readonly initial: ReadonlyMap<string, HostTensor>;
  readonly programs: { readonly step: Program; readonly evaluate: Program };
}

const align = (bytes: number): number => Math.ceil(bytes / alignment) * alignment;

export function assembleTrainingArtifact(parts: TrainingParts): TrainingArtifact {
  const { compiler, model, recipe, preprocess, input, initial, programs } = parts;
  const lowered = [...Object.values(programs.step), ...Object.values(programs.evaluate)];
  const { kernels, constants, sizes, named } = shareFiles(lowered);
  const slack = Math.max(0, ...lowered.map((program) => program.slack));
  const plansOf = (program: Program): Partial<Record<ProfileName, Plan>> =>
    Object.fromEntries(Object.entries(program).map(([profile, { plan }]) => [profile, named(plan)]));
  const manifest: TrainingManifest = {
    format: 'cnnc-training',
    version: trainingArtifactVersion,
    compiler,
    model,
    recipe,
    settings: parts.settings,
    ...(preprocess ? { preprocess } : {}),
    input,
    state: parts.state.map(({ name, length, tensors }) => ({
      name,
      floats: length,
      bytes: align(length * 4 + slack),
      tensors: tensors.map((tensor) => ({ ...tensor, shape: [...tensor.shape] })),
    })),
    programs: { step: plansOf(programs.step), evaluate: plansOf(programs.evaluate) },
    constants: sizes,
  };
  return { manifest, kernels, constants, initial };
}

/**
 * The folder's files by relative path: `manifest.json`, `kernels/*.wgsl`, `weights.safetensors` (packed constants) and
 * `initial.safetensors` (initial values of state).
 */
export function trainingArtifactFiles(artifact: TrainingArtifact): Map<string, Uint8Array | string> {
  const { manifest, kernels, constants, initial } = artifact;
  const files = new Map<string, Uint8Array | string>(kernels);
  const tensors = [...initial].map(([name, { shape, data }]) => [name, fromFloat32(data, shape)] as const);
  files.set('weights.safetensors', encodeConstants(constants, manifest.constants, manifest.format));
  files.set('initial.safetensors', encodeSafetensors(new Map(tensors), new Map([['format', manifest.format]])));
  files.set('manifest.json', sealedText(manifest, files));
  return files;
}
