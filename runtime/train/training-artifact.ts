/** The training artifact: two programs, the state between steps, and the recipe. Its schema and its reader. */
import * as v from 'valibot';
import { constantSchema, planSchema, preprocessSchema, type Plan } from '../artifact.ts';
import { checkPlan, manifestFault, whole, type Surroundings } from '../check-plan.ts';
import type { HostTensor } from '../host-tensor.ts';
import { extentOf, type ConcreteLayout } from '../layout.ts';
import { checkHead, checkManifest } from '../parse-manifest.ts';
import { openSeal } from '../files/seal.ts';
import { recipeSchema } from './recipe.ts';

/** Bumped whenever an older reader could misread a newer artifact. */
export const trainingArtifactVersion = 2;

/** A tensor of state: `offset` in elements from the start of its vector, where it lies in storage order. */
const stateTensorSchema = v.object({
  name: v.string(),
  shape: v.array(v.number()),
  offset: v.number(),
  kind: v.picklist(['parameter', 'auxiliary', 'statistic', 'slot', 'ema', 'total']),
});
export type StateTensorInfo = v.InferOutput<typeof stateTensorSchema>;

/** A vector of state, one buffer on the device; what no tensor covers is zero. */
const stateVectorSchema = v.object({
  name: v.string(),
  floats: v.number(),
  /** Of the buffer: edge tiles may read behind the end of the vector. */
  bytes: v.number(),
  tensors: v.array(stateTensorSchema),
});
export type StateVectorEntry = v.InferOutput<typeof stateVectorSchema>;

const programSchema = v.object({ software: v.optional(planSchema), gpu: v.optional(planSchema) });

const trainingManifestSchema = v.object({
  format: v.literal('cnnc-training'),
  version: v.literal(trainingArtifactVersion),
  compiler: v.string(),
  model: v.object({
    name: v.string(),
    source: v.string(),
    parameters: v.number(),
    /** Multiply-accumulates of one sample in the forward direction. */
    macs: v.number(),
  }),
  recipe: recipeSchema,
  /** What the directive and its dataset say, key by key as the language writes it; for reports. */
  settings: v.array(v.tuple([v.string(), v.string()])),
  preprocess: v.optional(preprocessSchema),
  /** The image input of both programs: its name and the shape of one sample. */
  input: v.object({ name: v.string(), shape: v.array(v.number()) }),
  state: v.array(stateVectorSchema),
  /** `step` updates state in place; `evaluate` only reads it. */
  programs: v.object({ step: programSchema, evaluate: programSchema }),
  /** Packed constants: entry of `weights.safetensors` and its size in bytes. */
  constants: v.record(v.string(), constantSchema),
});
export type TrainingManifest = v.InferOutput<typeof trainingManifestSchema>;

/** A loaded training artifact. */
export interface TrainingArtifact {
  readonly manifest: TrainingManifest;
  /** WGSL by file name as in the manifest. */
  readonly kernels: ReadonlyMap<string, string>;
  readonly constants: ReadonlyMap<string, Uint8Array>;
  /** Initial values of the tensors of state that do not start at zero. */
  readonly initial: ReadonlyMap<string, HostTensor>;
}

/** Checks a parsed `manifest.json` as `parseManifest` does. Throws E0715 with the path of the first fault. */
export function parseTrainingManifest(json: unknown): TrainingManifest {
  checkHead(json, 'cnnc-training', trainingArtifactVersion);
  openSeal(json);
  const manifest = checkManifest(trainingManifestSchema, json);
  const { programs, constants } = manifest;
  manifest.state.forEach(checkVector);
  const state = manifest.state.map(({ name }) => name);
  const tensors = manifest.state.flatMap((vector) => vector.tensors.map(({ name }) => name));
  for (const names of [state, tensors]) {
    if (new Set(names).size < names.length) throw manifestFault('state', 'a name comes twice');
  }
  for (const [program, plans] of Object.entries(programs)) {
    for (const [profile, plan] of Object.entries(plans)) {
      if (plan) checkProgram(plan, { at: `programs.${program}.${profile}`, symbols: [], constants, state });
    }
  }
  return manifest;
}

/** Storage order is the device's layout without borders; a vector `[c]` counts as `[1, c]`. */
export function storageOf({ shape, offset }: Pick<StateTensorInfo, 'shape' | 'offset'>): ConcreteLayout {
  const [batch = 1, channels = 1, ...rest] = shape.length < 2 ? [1, ...shape] : shape;
  const width = rest.reduce((product, size) => product * size, 1);
  const pixelStride = Math.ceil(channels / 4) * 4;
  const sizes = { batch, channels, height: 1, width, rows: 1, columns: width };
  return { ...sizes, top: 0, left: 0, isInteger: false, pixelStride, firstChannel: offset };
}

function checkProgram(plan: Plan, around: Surroundings): void {
  checkPlan(plan, around);
  const at = plan.inputs.findIndex(({ quantize }) => quantize);
  if (at >= 0) throw manifestFault(`${around.at}.inputs.${at}.quantize`, 'a training takes inputs of f32');
}

function checkVector({ floats, bytes, tensors }: StateVectorEntry, index: number): void {
  const at = `state.${index}`;
  whole(`${at}.floats`, floats, 0);
  whole(`${at}.bytes`, bytes, floats * 4);
  for (const [number, tensor] of tensors.entries()) {
    const place = `${at}.tensors.${number}`;
    for (const size of tensor.shape) whole(`${place}.shape`, size, 1);
    whole(`${place}.offset`, tensor.offset, 0);
    if (extentOf(storageOf(tensor)) > floats) {
      throw manifestFault(place, `it ends behind the ${floats} elements of its vector`);
    }
  }
}
