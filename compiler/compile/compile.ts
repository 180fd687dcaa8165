/** The whole way from a model's graph and weights to an artifact, on one screen. */
import type { Artifact, Guard, Preprocess, ProfileName } from '../../runtime/artifact.ts';
import { lower, type Lowered } from '../emit/lower.ts';
import { sizeOfOne } from '../emit/size.ts';
import { assembleArtifact } from '../emit/write-artifact.ts';
import { topologicalOrder, type Graph } from '../ir/node.ts';
import { elementCount, type Tensor } from '../ir/type.ts';
import { bindParameters } from '../passes/bind-parameters.ts';
import { inferencePipeline, int8Pipeline, runPipeline, type PipelineOptions } from '../passes/pipelines.ts';
import { fixedSchedules } from '../schedule/fixed.ts';
import type { ParameterShape } from '../ir/leaves.ts';
import { int8OptionsOf, type QuantizationRecord } from '../passes/int8/record.ts';
import { version } from '../version.ts';

export interface CompileInput {
  readonly name: string;
  /** Path of the source, for the manifest. */
  readonly source: string;
  readonly graph: Graph;
  readonly parameters: readonly (ParameterShape & { readonly trainable: boolean })[];
  readonly weights: ReadonlyMap<string, Tensor>;
  /** What becomes int8, and with which ranges; float32 throughout without it. */
  readonly quantization?: QuantizationRecord | undefined;
  readonly preprocess?: Preprocess | undefined;
  /** What the source asserts of free dimensions. */
  readonly guards?: readonly Guard[];
}

export interface CompileOptions extends PipelineOptions {
  /** Which plans the artifact holds; both unless told, so that one artifact runs everywhere. */
  readonly profiles?: readonly ProfileName[];
}

export interface Compilation {
  readonly artifact: Artifact;
  /** The graph with weights bound, before any pass. */
  readonly bound: Graph;
  readonly optimized: Graph;
  readonly plans: Readonly<Partial<Record<ProfileName, Lowered>>>;
}

/** Throws a PassError (a pass broke the graph) or a LoweringError (an op that no kernel runs). */
export function compile(input: CompileInput, options: CompileOptions = {}): Compilation {
  const bound = bindParameters.run(input.graph, { parameters: input.weights });
  const passes = input.quantization ? int8Pipeline(int8OptionsOf(input.quantization)) : inferencePipeline;
  const optimized = runPipeline(bound, passes, options);
  const plans: Partial<Record<ProfileName, Lowered>> = {};
  for (const profile of options.profiles ?? (['software', 'gpu'] as const)) {
    plans[profile] = lower(optimized, profile, fixedSchedules(optimized, profile));
  }
  const artifact = assembleArtifact({
    compiler: `cnnc ${version}`,
    model: {
      name: input.name,
      source: input.source,
      parameters: countParameters(input.parameters),
      macs: countMacs(input.graph),
    },
    preprocess: input.preprocess,
    guards: input.guards,
    plans,
  });
  return { artifact, bound, optimized, plans };
}

/** Trainable elements, as torchvision counts them: running statistics do not. */
export const countParameters = (parameters: CompileInput['parameters']): number =>
  parameters.reduce((sum, { shape, trainable }) => sum + (trainable ? elementCount(shape) : 0), 0);

/** Multiply-accumulates of one sample. */
export function countMacs(graph: Graph): number {
  let sum = 0;
  for (const { op, inputs, type, attrs } of topologicalOrder(graph)) {
    sum += sizeOfOne(
      op.macs?.(
        inputs.map((input) => input.type),
        type,
        attrs,
      ) ?? 0,
    );
  }
  return sum;
}
