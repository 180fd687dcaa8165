/** Running a graph of training ops over samples of a dataset: for moments and gradients that a stage measures. */
import type { Preprocess, ProfileName } from '../../../runtime/artifact.ts';
import { RuntimeFault } from '../../../runtime/errors.ts';
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import type { OpenedDevice } from '../../../runtime/node/device/device.ts';
import { createSession, type Session } from '../../../runtime/session.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import type { SplitName } from '../../../runtime/train/splits.ts';
import { lower } from '../../emit/lower.ts';
import { assembleArtifact } from '../../emit/write-artifact.ts';
import type { Graph } from '../../ir/node.ts';
import { runPipeline, trainingPipeline } from '../../passes/pipelines.ts';
import { fixedSchedules } from '../../schedule/fixed.ts';
import { version } from '../../version.ts';
import { openCalibration, type CalibrationOptions } from '../quantize/calibration-data.ts';

export interface SamplesOptions {
  /** Name of the model, for messages. */
  readonly model: string;
  readonly recipe: Recipe;
  readonly preprocess: Preprocess | undefined;
  readonly split: SplitName;
  readonly samples: number;
  /** The image that the graphs read; `labels` is the other input that they may have. */
  readonly input: CalibrationOptions['input'];
  readonly signal: AbortSignal;
}

/** Outputs of one batch, by name. */
export type UseOutputs = (outputs: Readonly<Record<string, HostTensor>>) => void;

/**
 * Runs a graph on whole batches and gives the outputs of each to `use`; `graphFor` makes it for the batch that the
 * samples allow. Returns the number of batches. Throws what `openCalibration`, `graphFor` and sessions throw.
 */
export async function runOnSamples(
  { device, info }: OpenedDevice,
  options: SamplesOptions,
  graphFor: (batch: number) => Graph,
  use: UseOutputs,
): Promise<number> {
  const { recipe, input, signal } = options;
  const data = await openCalibration({ ...options, batch: recipe.batch });
  let session: Session | undefined;
  let batches = 0;
  try {
    for await (const { image, labels, count } of data.batches()) {
      signal.throwIfAborted();
      const [batch = 1] = image.shape;
      if (count < batch) continue;
      session ??= await createSession(device, artifactOf(graphFor(batch), info.profile), { profile: info.profile });
      const readsLabels = session.plan.inputs.some(({ name }) => name === 'labels');
      use(await session.run({ [input.name]: image, ...(readsLabels ? { labels } : {}) }));
      batches++;
    }
    if (batches > 0) return batches;
    const message = `the ${options.split} split of ${recipe.data.name} has fewer samples than one batch of ${recipe.batch}`;
    throw new RuntimeFault('E0719', 'input', message, `set batch to ${data.samples} or less`);
  } finally {
    session?.dispose();
    await data.close();
  }
}

/** A plan for one profile, by the pipeline of training, which knows moments and gradients. */
function artifactOf(graph: Graph, profile: ProfileName) {
  const optimized = runPipeline(graph, trainingPipeline);
  const plans = { [profile]: lower(optimized, profile, fixedSchedules(optimized, profile)) };
  const model = { name: 'samples', source: '', parameters: 0, macs: 0 };
  return assembleArtifact({ compiler: `cnnc ${version}`, model, preprocess: undefined, plans });
}
