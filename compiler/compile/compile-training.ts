/** The whole way from the programs of a training run to its artifact, on one screen. */
import { evaluateSize, type Preprocess, type ProfileName } from '../../runtime/artifact.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import type { Recipe } from '../../runtime/train/recipe.ts';
import type { TrainingArtifact, TrainingManifest } from '../../runtime/train/training-artifact.ts';
import { countMacs, countParameters, type CompileInput, type CompileOptions } from './compile.ts';
import { lower, type Lowered } from '../emit/lower.ts';
import type { Phases } from '../emit/phases.ts';
import { assembleTrainingArtifact, type Program } from '../emit/write-training-artifact.ts';
import { forwardOutputs, recomputed, type Recomputation } from './fit-memory.ts';
import { isInput } from '../ir/leaves.ts';
import { topologicalOrder, type Graph } from '../ir/node.ts';
import type { Tensor } from '../ir/type.ts';
import { runPipeline, trainingPipeline, unfusedTrainingPipeline } from '../passes/pipelines.ts';
import { fixedSchedules } from '../schedule/fixed.ts';
import type { TrainingStep } from '../train/training-step.ts';
import { version } from '../version.ts';

export interface TrainingInput {
  readonly name: string;
  /** Path of the source, for the manifest. */
  readonly source: string;
  readonly training: Pick<TrainingStep, 'step' | 'evaluate' | 'state' | 'initial'>;
  readonly recipe: Recipe;
  /** For the report; none unless given. */
  readonly settings?: TrainingManifest['settings'] | undefined;
  readonly parameters: CompileInput['parameters'];
  readonly preprocess?: Preprocess | undefined;
  /** Unless false; otherwise every op is a kernel of its own, to look at each. */
  readonly isFused?: boolean | undefined;
  /** What is computed again rather than kept; without, everything is kept. */
  readonly recompute?: Recomputation | undefined;
}

export interface TrainingCompilation {
  readonly artifact: TrainingArtifact;
  readonly optimized: { readonly step: Graph; readonly evaluate: Graph };
  readonly programs: { readonly step: Program; readonly evaluate: Program };
}

/** Throws a PassError (a pass broke the graph), a LoweringError (an op without a kernel) or a TrainingFault (memory). */
export function compileTraining(input: TrainingInput, options: CompileOptions = {}): TrainingCompilation {
  const { training, recipe, preprocess, isFused = true } = input;
  const pipeline = isFused ? trainingPipeline : unfusedTrainingPipeline;
  const kept = runPipeline(training.step, pipeline, options);
  const optimized = {
    step: input.recompute ? recomputed(kept, input.recompute, (graph) => arenaOf(graph, kept, options), options) : kept,
    evaluate: runPipeline(training.evaluate, pipeline, options),
  };
  const programs = {
    step: lowerAll(optimized.step, kept, options, { forward: forwardOutputs, backward: ['gradNorm'] }),
    evaluate: lowerAll(optimized.evaluate, optimized.evaluate, options),
  };
  const image = imageInput(training.step);
  const artifact = assembleTrainingArtifact({
    compiler: `cnnc ${version}`,
    model: {
      name: input.name,
      source: input.source,
      parameters: countParameters(input.parameters),
      macs: countMacs(training.evaluate) / image.batch,
    },
    recipe,
    settings: input.settings ?? [],
    preprocess,
    input: { name: image.name, shape: image.shape },
    state: training.state,
    initial: new Map([...training.initial].map(([name, tensor]) => [name, hostTensor(tensor)])),
    programs,
  });
  return { artifact, optimized, programs };
}

/** `basis`: the graph whose layers decide on schedules, so that recomputation changes no bits. */
function lowerAll(
  graph: Graph,
  basis: Graph,
  { profiles = ['software', 'gpu'] }: CompileOptions,
  phases?: Phases,
): Program {
  const programs: Partial<Record<ProfileName, Lowered>> = {};
  for (const profile of profiles) {
    const schedules = fixedSchedules(graph, profile, basis);
    programs[profile] = lower(graph, profile, schedules, { state: true, ...(phases ? { phases } : {}) });
  }
  return programs;
}

/** Bytes of the larger of the plans' arenas. */
const arenaOf = (graph: Graph, basis: Graph, options: CompileOptions): number =>
  Math.max(...Object.values(lowerAll(graph, basis, options)).map(({ plan }) => evaluateSize(plan.arena.bytes, {})));

/** The first input of the signature. */
function imageInput(graph: Graph): { readonly name: string; readonly batch: number; readonly shape: number[] } {
  const [image] = topologicalOrder(graph)
    .filter(isInput)
    .toSorted((a, b) => a.attrs.index - b.attrs.index);
  if (!image) throw new RangeError('a training step reads an image');
  const [batch = 1, ...shape] = image.attrs.shape.map(Number);
  return { name: image.attrs.name, batch, shape };
}

const hostTensor = ({ shape, data }: Tensor): HostTensor => ({ shape, data: Float32Array.from(data) });
