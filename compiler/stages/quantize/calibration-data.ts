/** The samples that a quantize directive measures on: the same ones, in the same order, as often as they are asked for. */
import type { HostTensor } from '../../../runtime/host-tensor.ts';
import { scoresFor } from '../../../runtime/node/align-classes.ts';
import { openLoader } from '../../../runtime/node/loader.ts';
import { openTrainingData } from '../../../runtime/node/training-data.ts';
import type { Recipe } from '../../../runtime/train/recipe.ts';
import type { SplitName } from '../../../runtime/train/splits.ts';
import type { Preprocess } from '../../../runtime/artifact.ts';

/** A batch, of which `count` samples are new. */
export interface CalibrationBatch {
  readonly image: HostTensor;
  readonly labels: HostTensor;
  readonly count: number;
}

export interface CalibrationData {
  readonly samples: number;
  batches(): AsyncIterable<CalibrationBatch>;
  close(): Promise<void>;
}

export interface CalibrationOptions {
  /** Name of the model, for messages. */
  readonly model: string;
  readonly recipe: Recipe;
  readonly split: SplitName;
  readonly samples: number;
  /** Samples a batch, as many as memory allows. */
  readonly batch: number;
  readonly input: { readonly name: string; readonly shape: readonly [number, number, number] };
  readonly preprocess: Preprocess | undefined;
}

/** Chosen by the seed, preprocessed, not augmented. Throws what opening and reading the data throw. */
export async function openCalibration(options: CalibrationOptions): Promise<CalibrationData> {
  const { recipe, split, input, preprocess } = options;
  const { target, seed } = recipe;
  const data = await openTrainingData(recipe.data, '.', {
    target: target.kind,
    scores: scoresFor(target, options.model),
    needsTraining: false,
  });
  try {
    const samples = Math.min(options.samples, data[split]?.size ?? options.samples);
    const { batch } = options;
    const limitBatches = Math.ceil(samples / batch);
    const common = { data, split, batch, limitBatches, seed, input, target };
    const steps = preprocess?.steps ?? [];
    const loader = await openLoader({ ...common, mode: 'evaluate', shuffle: true, preprocess: steps });
    return {
      samples,
      async *batches() {
        let left = samples;
        for await (const { inputs, count } of loader.epoch(0, 0)) {
          const [image, labels] = [inputs[input.name], inputs['labels']];
          if (!image || !labels) throw new RangeError('a batch has an image and labels');
          yield { image, labels, count: Math.min(count, left) };
          left -= count;
        }
      },
      close: async () => {
        await loader.close();
        await data.close();
      },
    };
  } catch (error) {
    await data.close();
    throw error;
  }
}
