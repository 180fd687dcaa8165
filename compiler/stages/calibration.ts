/** Running a graph over samples of a dataset: for statistics and gradients that a stage measures. */
import type { ProfileName } from '../../runtime/artifact.ts';
import type { HostTensor } from '../../runtime/host-tensor.ts';
import type { OpenedDevice } from '../../runtime/node/device.ts';
import { openLoader } from '../../runtime/node/loader.ts';
import { openTrainingData } from '../../runtime/node/training-data.ts';
import { createSession } from '../../runtime/session.ts';
import type { Recipe } from '../../runtime/train/recipe.ts';
import type { SplitName } from '../../runtime/train/splits.ts';
import type { Preprocess } from '../../runtime/artifact.ts';
import { lower } from '../emit/lower.ts';
import { assembleArtifact } from '../emit/write-artifact.ts';
import type { InputAttrs } from '../ir/leaves.ts';
import type { Graph, Node } from '../ir/node.ts';
import { runPipeline, trainingPipeline } from '../passes/pipelines.ts';
import { fixedSchedules } from '../schedule/fixed.ts';
import { version } from '../version.ts';

/** Samples in the order of the seed, prepared as for evaluation. */
export interface CalibrationSettings {
  readonly recipe: Recipe;
  readonly preprocess: Preprocess | undefined;
  readonly split: SplitName;
  /** At most so many, in whole batches. */
  readonly samples: number;
}

/** A graph of known sizes whose inputs are the image and, where it asks for them, the labels. */
export interface CalibrationGraph {
  readonly graph: Graph;
  readonly image: Node<InputAttrs>;
}

/**
 * Builds a graph for the batch that the samples make, runs it on whole batches of them, and gives the outputs of each
 * to `use`; returns the number of batches. Throws what `openTrainingData`, `openLoader` and sessions throw.
 */
export async function calibrate(
  { device, info }: OpenedDevice,
  { recipe, preprocess, split, samples }: CalibrationSettings,
  graphFor: (batch: number) => CalibrationGraph,
  use: (outputs: Readonly<Record<string, HostTensor>>) => void,
  signal: AbortSignal,
): Promise<number> {
  const { target, seed } = recipe;
  const data = await openTrainingData(recipe.data, '.', { target: target.kind, classes: target.classes });
  try {
    const available = Math.min(samples, data[split]?.size ?? samples);
    const batch = Math.max(1, Math.min(recipe.batch, available));
    const { graph, image } = graphFor(batch);
    const [, channels = 1, height = 1, width = 1] = image.attrs.shape.map(Number);
    const input = { name: image.attrs.name, shape: [channels, height, width] as const };
    const limitBatches = Math.max(1, Math.floor(available / batch));
    const steps = preprocess?.steps ?? [];
    const common = { data, split, mode: 'evaluate', shuffle: true, batch, limitBatches, seed } as const;
    const loader = openLoader({ ...common, preprocess: steps, input, target });
    const session = await createSession(device, calibrationArtifact(graph, info.profile), { profile: info.profile });
    let count = 0;
    try {
      const names = session.plan.inputs.map(({ name }) => name);
      for await (const each of loader.epoch(0)) {
        signal.throwIfAborted();
        if (each.count < batch) continue;
        const given = names.flatMap((name) => (each.inputs[name] ? [[name, each.inputs[name]] as const] : []));
        use(await session.run(Object.fromEntries(given)));
        count++;
      }
    } finally {
      session.dispose();
      await loader.close();
    }
    return count;
  } finally {
    await data.close();
  }
}

/** A plan for one profile, by the pipeline of training, which knows moments and gradients. */
function calibrationArtifact(graph: Graph, profile: ProfileName) {
  const optimized = runPipeline(graph, trainingPipeline);
  const plans = { [profile]: lower(optimized, profile, fixedSchedules(optimized, profile)) };
  const model = { name: 'calibration', source: '', parameters: 0, macs: 0 };
  return assembleArtifact({ compiler: `cnnc ${version}`, model, preprocess: undefined, plans });
}
